"""`XMLDefault.cnf.xml`: what a phone reads whose own configuration file does not exist.

Root `Default`, laid out as the configuration of a phone; after the CallManager group and the TVS
servers one `loadinformation` element for each device type, named with the number of the type.
Source: the file of release 12.x.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from cucmsim.formats.phoneblocks import DECLARATION, call_manager_group_block, escape, tvs_block
from cucmsim.formats.phonevalues import ClusterValues, PoolValues
from cucmsim.pki.release import Release

__all__ = ["DefaultLoad", "default_config"]

_ACTIVATION = "<activationDomainURL></activationDomainURL>\n"
_ACTIVATION_FROM = Release(12, 5)


@dataclass(frozen=True, slots=True)
class DefaultLoad:
    """The firmware load of a device type: its number, its name (`Cisco 7821`) and the load."""

    type_number: int
    type_name: str
    load: str


def default_config(
    cluster: ClusterValues,
    pool: PoolValues,
    loads: Iterable[DefaultLoad],
    *,
    auto_registration: bool = False,
) -> bytes:
    """Return `XMLDefault.cnf.xml`, UTF-8, with the loads in the order given."""
    activation = cluster.release >= _ACTIVATION_FROM
    text = (
        f"{DECLARATION}<Default>\n"
        "<autoRegistrationName>AUTO-REG</autoRegistrationName>\n"
        f"<autoRegistration>{'true' if auto_registration else 'false'}</autoRegistration>\n"
        "<selfProvisioningSecureMode>true</selfProvisioningSecureMode>\n"
        "<adminProvisionMode>false</adminProvisionMode>\n"
        "<ipAddressMode>0</ipAddressMode>\n"
        "<ipPreferenceModeControl>0</ipPreferenceModeControl>\n"
        "<ipMediaAddressFamilyPreference>0</ipMediaAddressFamilyPreference>\n"
        f"{call_manager_group_block(pool, cluster.release)}"
        f"{tvs_block(pool.tvs)}"
        f"{_ACTIVATION if activation else ''}"
        f"{''.join(map(_load, loads))}"
        "</Default>\n"
    )
    return text.encode()


def _load(load: DefaultLoad) -> str:
    name = f"loadinformation{load.type_number}"
    return f'<{name} model="{escape(load.type_name)}">{escape(load.load)}</{name}>\n'
