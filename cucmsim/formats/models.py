"""The phone models that the cluster knows: names, numbers, protocols, default loads.

Data only. `number` is the device type of `typemodel`, which `XMLDefault.cnf.xml` puts into the
element name (`<loadinformation621 model="Cisco 7821">`). The numbers of the 78xx and 88xx phones,
7960, 7940, 7941 and 7912 come from the reference (cucm.md 4.2); those of the other 79xx phones are
the ones their published `XMLDefault.cnf.xml` files carry. The `ctiid` of a configuration file is
documented for no model by name (one file shows 548): the device type stands in for it, which is a
line of docs/divergences.md. Loads are names only; no firmware comes with this package.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

__all__ = ["PHONE_MODELS", "Generation", "PhoneModel", "SignalingProtocol"]


class SignalingProtocol(StrEnum):
    """What a phone registers with."""

    SIP = "SIP"
    SCCP = "SCCP"


class Generation(StrEnum):
    """Phones that boot alike (phone.md 1.2)."""

    SERIES_79XX = "79xx"
    SERIES_78XX = "78xx"
    SERIES_88XX = "88xx"


@dataclass(frozen=True, slots=True)
class PhoneModel:
    """One model.

    `name` is what a configuration says ("7962"), `product` what CUCM's tables say ("Cisco 7962").
    `loads` gives the default load of each protocol the model speaks, the usual protocol first.
    `line_count` is the number of lines its own keys offer. `has_sbd`: it knows Security By Default,
    which is ITL and TVS (seed 001: 7940 and 7960 do not).
    """

    name: str
    product: str
    number: int
    generation: Generation
    loads: Mapping[SignalingProtocol, str]
    line_count: int
    has_sbd: bool = True

    @property
    def protocols(self) -> tuple[SignalingProtocol, ...]:
        """The protocols that the model speaks, the usual one first."""
        return tuple(self.loads)

    @property
    def cti_id(self) -> int:
        """What `ctiid` holds in the configuration file: the device type (a choice, see above)."""
        return self.number

    def default_load(self, protocol: SignalingProtocol) -> str:
        """Return the name of the load for `protocol`, without `.loads`; KeyError if not spoken."""
        return self.loads[protocol]


def _phone_79xx(name: str, number: int, load: str, line_count: int) -> PhoneModel:
    """Describe a model of the 79xx generation, which has an SCCP and a SIP load."""
    loads = {
        SignalingProtocol.SCCP: f"SCCP{load}",
        SignalingProtocol.SIP: f"SIP{load}",
    }
    return PhoneModel(
        name, f"Cisco {name}", number, Generation.SERIES_79XX, MappingProxyType(loads), line_count
    )


def _sip_phone(
    name: str, number: int, generation: Generation, load: str, line_count: int
) -> PhoneModel:
    """Describe a model that speaks SIP only."""
    loads = MappingProxyType({SignalingProtocol.SIP: load})
    return PhoneModel(name, f"Cisco {name}", number, generation, loads, line_count)


def _phone_without_sbd(name: str, number: int, line_count: int) -> PhoneModel:
    """Describe a 7940 or 7960. Their SIP loads read no XML configuration: SCCP it is."""
    loads = MappingProxyType({SignalingProtocol.SCCP: "P0030801SR02"})
    return PhoneModel(
        name,
        f"Cisco {name}",
        number,
        Generation.SERIES_79XX,
        loads,
        line_count,
        has_sbd=False,
    )


_LOAD_78XX = "sip78xx.12-1-1-12"
_LOAD_88XX = "sip88xx.12-1-1SR1-4"

_MODELS = (
    _phone_79xx("7906", 369, "11.9-4-2SR3-1S", 1),
    _phone_79xx("7911", 307, "11.9-4-2SR3-1S", 1),
    _phone_79xx("7931", 348, "31.9-4-2SR3-1S", 24),
    _phone_without_sbd("7940", 8, 2),
    _phone_79xx("7941", 115, "41.9-4-2SR3-1S", 2),
    _phone_79xx("7942", 434, "42.9-4-2SR3-1S", 2),
    _phone_79xx("7945", 435, "45.9-4-2SR3-1S", 2),
    _phone_without_sbd("7960", 7, 6),
    _phone_79xx("7961", 30018, "41.9-4-2SR3-1S", 6),
    _phone_79xx("7962", 404, "42.9-4-2SR3-1S", 6),
    _phone_79xx("7965", 436, "45.9-4-2SR3-1S", 6),
    _phone_79xx("7970", 30006, "70.9-4-2SR3-1S", 8),
    _phone_79xx("7971", 119, "70.9-4-2SR3-1S", 8),
    _phone_79xx("7975", 437, "75.9-4-2SR3-1S", 8),
    _sip_phone("7811", 36213, Generation.SERIES_78XX, _LOAD_78XX, 1),
    _sip_phone("7821", 621, Generation.SERIES_78XX, _LOAD_78XX, 2),
    _sip_phone("7832", 36247, Generation.SERIES_78XX, "sip7832.12-1-1-12", 1),
    _sip_phone("7841", 622, Generation.SERIES_78XX, _LOAD_78XX, 4),
    _sip_phone("7861", 623, Generation.SERIES_78XX, _LOAD_78XX, 16),
    _sip_phone("8811", 36217, Generation.SERIES_88XX, _LOAD_88XX, 5),
    _sip_phone("8832", 36258, Generation.SERIES_88XX, "sip8832.12-1-1-12", 1),
    _sip_phone("8841", 683, Generation.SERIES_88XX, _LOAD_88XX, 5),
    _sip_phone("8845", 36224, Generation.SERIES_88XX, "sip8845_65.12-1-1SR1-4", 5),
    _sip_phone("8851", 684, Generation.SERIES_88XX, _LOAD_88XX, 5),
    _sip_phone("8861", 685, Generation.SERIES_88XX, _LOAD_88XX, 5),
    _sip_phone("8865", 36225, Generation.SERIES_88XX, "sip8845_65.12-1-1SR1-4", 5),
)

PHONE_MODELS: Mapping[str, PhoneModel] = MappingProxyType({model.name: model for model in _MODELS})
"""Every model by its name, in the order 79xx, 78xx, 88xx."""
