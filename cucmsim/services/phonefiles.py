"""What a phone's configuration files say, taken from a replica.

`PhoneFiles` is made once for each state of nodes, groups, pools and parameters, holds nothing of
a single phone, and is read from worker threads: it never changes.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from cucmsim.errors import FormatError
from cucmsim.formats.defaultconfig import DefaultLoad, default_config
from cucmsim.formats.encryptedfile import stub
from cucmsim.formats.models import PHONE_MODELS, PhoneModel, SignalingProtocol
from cucmsim.formats.phoneconfig import minimal_config, phone_config
from cucmsim.formats.phonevalues import (
    CallManager,
    CapfValues,
    ClusterValues,
    DateTimeSetting,
    Endpoint,
    Line,
    PhoneUrls,
    PhoneValues,
    PoolValues,
    phone_urls,
)
from cucmsim.pki.certificates import certificate_public_key, load_certificate
from cucmsim.pki.release import Release
from cucmsim.services.staticfiles import SOFT_KEY_FILE
from cucmsim.services.trustlists import is_mixed_mode
from cucmsim.store.replica import Replica
from cucmsim.store.rows import (
    Device,
    DevicePool,
    PendingOperation,
    ProcessNode,
    SecurityMode,
    Transport,
)

__all__ = ["PhoneFiles", "encryption_certificate"]

_USUAL_PORTS = MappingProxyType(
    {"capf": 3804, "sccp": 2000, "sip": 5060, "sip_tls": 5061, "tvs": 2445, "web": 8443}
)
"""What phones are told where the port of a node is not known, or any that is free (0)."""

_URL_PARAMETERS = {
    "authentication": "URLAuthentication",
    "directory": "URLDirectories",
    "idle": "URLIdle",
    "information": "URLInformation",
    "messages": "URLMessages",
    "services": "URLServices",
    "secure_authentication": "SecureAuthenticationURL",
    "secure_directory": "SecureDirectoryURL",
    "secure_uds_users_access": "SecureUDSUsersAccessURL",
    "secure_idle": "SecureIdleURL",
    "secure_information": "SecureInformationURL",
    "secure_messages": "SecureMessagesURL",
    "secure_services": "SecureServicesURL",
}


class PhoneFiles:
    """The configuration files of a cluster's phones, as one TFTP node writes them."""

    def __init__(self, replica: Replica, node_name: str, release: Release) -> None:
        self._mixed = is_mixed_mode(replica)
        self._cluster = _cluster_values(replica, node_name, release)
        self._capf = tuple(
            Endpoint(node.name, _port(node, "capf"))
            for node in replica.nodes.values()
            if "capf" in node.services
        )
        self._pools = {
            name: _pool_values(replica, pool) for name, pool in replica.device_pools.items()
        }
        self._no_pool = PoolValues("", "", "", (), ())
        self._default_pool = _default_pool(replica)

    def full(self, device: Device) -> bytes:
        """Return the whole configuration of a phone."""
        return phone_config(self.values(device))

    def clear(self, device: Device) -> bytes:
        """Return what a phone gets unencrypted.

        With encrypted configuration that is the stub, or, while no key of the phone is known, as
        much as it needs to reach CAPF.
        """
        if not device.encrypted_config:
            return self.full(device)
        certificate = encryption_certificate(device)
        if certificate is None:
            return minimal_config(_for_capf(self.values(device), device))
        return stub(self.full(device), certificate)

    def default(self) -> bytes:
        """Return `XMLDefault.cnf.xml`: TFTP's default CallManager group, and every model."""
        loads = (
            DefaultLoad(model.number, model.product, model.default_load(model.protocols[0]))
            for model in PHONE_MODELS.values()
        )
        return default_config(self._cluster, self._default_pool, loads)

    def values(self, device: Device) -> PhoneValues:
        """Return the values of a phone's configuration."""
        model = PHONE_MODELS.get(device.model.removeprefix("Cisco "))
        return PhoneValues(
            cluster=self._cluster,
            pool=self._pools.get(device.device_pool, self._no_pool),
            uuid=device.pkid,
            cti_id=device.ctiid or (model.cti_id if model else 0),
            protocol=device.protocol,
            version_stamp=device.versionstamp,
            load=device.load_information or _default_load(model, device.protocol),
            security_mode=device.security_mode if self._mixed else SecurityMode.NON_SECURE.value,
            transport=self._transport(device),
            capf=CapfValues(self._capf, _authentication_mode(device), _certificate_hash(device)),
            encrypted_config=device.encrypted_config,
            lines=tuple(
                Line(button, line.number, line.label, line.display)
                for button, line in enumerate(device.lines, 1)
            ),
            soft_key_file=SOFT_KEY_FILE,
        )

    def _transport(self, device: Device) -> int:
        """Return the transport; without mixed mode nobody registers over TLS."""
        if not self._mixed and device.transport == Transport.TLS:
            return Transport.TCP.value
        return device.transport


def encryption_certificate(device: Device) -> x509.Certificate | None:
    """Return the certificate to encrypt a phone's configuration to: its LSC, else its MIC.

    None where neither is known, can be read and has an RSA key.
    """
    held = (der for der in (device.lsc_der, device.mic_der) if der is not None)
    return next((certificate for der in held if (certificate := _rsa_certificate(der))), None)


def _rsa_certificate(der: bytes) -> x509.Certificate | None:
    """Return the certificate if it can be read and its key is RSA."""
    try:
        certificate = load_certificate(der)
        is_rsa = isinstance(certificate_public_key(certificate), rsa.RSAPublicKey)
    except FormatError:
        return None
    return certificate if is_rsa else None


def _cluster_values(replica: Replica, node_name: str, release: Release) -> ClusterValues:
    return ClusterValues(
        release=release,
        default_server=node_name,
        urls=_urls(replica.enterprise, replica.publisher),
        sip_oauth=replica.enterprise.get("ClusterSIPOAuthMode", "0") == "1",
    )


def _urls(enterprise: Mapping[str, str], publisher: ProcessNode) -> PhoneUrls:
    """Return the URLs of the enterprise parameters; one that is not set is the publisher's."""
    own = phone_urls(publisher.name, https_port=_port(publisher, "web"))
    return PhoneUrls(
        **{
            field: enterprise.get(parameter) or getattr(own, field)
            for field, parameter in _URL_PARAMETERS.items()
        }
    )


def _pool_values(replica: Replica, pool: DevicePool) -> PoolValues:
    group = replica.groups.get(pool.callmanager_group)
    members = [
        replica.nodes[name] for name in (group.members if group else ()) if name in replica.nodes
    ]
    return PoolValues(
        uuid=pool.pkid,
        name=pool.name,
        group_name=pool.callmanager_group,
        call_managers=tuple(map(_call_manager, members)),
        tvs=tuple(
            Endpoint(node.name, _port(node, "tvs")) for node in members if "tvs" in node.services
        ),
        group_is_tftp_default=group is not None and group.tftp_default,
        date_time=_date_time(pool),
        connection_monitor_duration_s=pool.connection_monitor_duration_s,
    )


def _default_pool(replica: Replica) -> PoolValues:
    """Return what unknown phones are told: the group that is TFTP's default, else the first."""
    groups = sorted(replica.groups.values(), key=lambda group: not group.tftp_default)
    name = groups[0].name if groups else ""
    return _pool_values(replica, DevicePool(name="", callmanager_group=name))


def _call_manager(node: ProcessNode) -> CallManager:
    return CallManager(
        f"CM_{node.host}",
        node.description or node.host,
        node.name,
        ethernet_phone_port=_port(node, "sccp"),
        sip_port=_port(node, "sip"),
        secured_sip_port=_port(node, "sip_tls"),
    )


def _port(node: ProcessNode, name: str) -> int:
    """Return the port that phones are told; `name` as in the cluster description."""
    return node.ports.get(name) or _USUAL_PORTS[name]


def _date_time(pool: DevicePool) -> DateTimeSetting:
    return DateTimeSetting(
        uuid=pool.date_time_group_pkid or DateTimeSetting().uuid,
        name=pool.date_time_group,
        date_template=pool.date_template,
        time_zone=pool.time_zone,
        olson_time_zone=pool.time_zone,
        ntp_servers=pool.ntp_servers,
    )


def _default_load(model: PhoneModel | None, protocol: str) -> str:
    if model is None:
        return ""
    return model.loads.get(SignalingProtocol(protocol), "")


def _authentication_mode(device: Device) -> int:
    """Return capfAuthMode: 0 while nothing is pending."""
    pending = device.pending_operation is not PendingOperation.NONE
    return device.authentication_mode.number if pending else 0


def _for_capf(values: PhoneValues, device: Device) -> PhoneValues:
    """Return the values of a phone that has to visit CAPF, pending or not.

    They tell how it proves itself there, and name no certificate: nothing is encrypted to the one
    that is known.
    """
    mode = device.authentication_mode.number
    capf = replace(values.capf, authentication_mode=mode, certificate_hash="")
    return replace(values, capf=capf)


def _certificate_hash(device: Device) -> str:
    """Return certHash: MD5 of the phone's LSC, else of its MIC; empty while none is known."""
    der = device.lsc_der or device.mic_der
    return hashlib.md5(der, usedforsecurity=False).hexdigest() if der else ""
