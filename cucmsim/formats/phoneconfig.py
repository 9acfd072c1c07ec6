"""Phone configuration files: `SEP<MAC>.cnf.xml` of SIP and SCCP phones.

Built from text blocks, in the element order of release 12.5: one element a line, no indentation,
empty elements as `<x></x>`. The root of a SIP file uses the prefix `xsi` without declaring it, as
the real one does: read it with a parser that tolerates that. An SCCP file is the same without
`sipProfile`, and declares the prefix, as release 8 does (seed 004).

`minimal_config` is what a phone with encrypted configuration gets in the clear: the stub beside
`.cnf.xml.enc.sgn` (formats.md section 6), or, where no key of the phone is known yet, as much as
it needs to run CAPF.
"""

from cucmsim.formats.phoneblocks import (
    DECLARATION,
    capf_list_block,
    device_pool_block,
    escape,
    locale_block,
    services_block,
    tvs_block,
    urls_block,
)
from cucmsim.formats.phoneconfig_sip import sip_profile_block
from cucmsim.formats.phonevalues import PhoneValues
from cucmsim.pki.release import Release

__all__ = ["minimal_config", "phone_config"]

_DIAL_TONE = "<dialToneSetting>2</dialToneSetting>\n"
_DIAL_TONE_FROM = Release(11, 0)
_SSO = "<SSOSPServers></SSOSPServers>\n"
_SSO_FROM = Release(12, 0)
_OAUTH_FROM = Release(12, 5)

_NETWORK = """\
<allowAutoConfig>true</allowAutoConfig>
<dadEnable>true</dadEnable>
<redirectEnable>false</redirectEnable>
<echoMultiEnable>false</echoMultiEnable>
<ipPreferenceModeControl>0</ipPreferenceModeControl>
<ipMediaAddressFamilyPreference>0</ipMediaAddressFamilyPreference>
<tzdata>
<tzolsonversion>2019a</tzolsonversion>
<tzupdater>tzupdater.jar</tzupdater>
</tzdata>
<mlppDomainId>-1</mlppDomainId>
<mlppIndicationStatus>Off</mlppIndicationStatus>
<preemption>Disabled</preemption>
<executiveOverridePreemptable>false</executiveOverridePreemptable>
"""

_PROFILE = """\
<MissedCallLoggingOption>1</MissedCallLoggingOption>
<commonProfile>
<phonePassword></phonePassword>
<backgroundImageAccess>true</backgroundImageAccess>
<callLogBlfEnabled>2</callLogBlfEnabled>
</commonProfile>
"""

_VENDOR = """\
<vendorConfig>
<disableSpeaker>false</disableSpeaker>
<disableSpeakerAndHeadset>false</disableSpeakerAndHeadset>
<pcPort>0</pcPort>
<settingsAccess>1</settingsAccess>
<garp>1</garp>
<voiceVlanAccess>0</voiceVlanAccess>
<webAccess>0</webAccess>
<sshAccess>1</sshAccess>
</vendorConfig>
<commonConfig></commonConfig>
<enterpriseConfig></enterpriseConfig>
"""

_MARKING = """\
<dscpForSCCPPhoneConfig>96</dscpForSCCPPhoneConfig>
<dscpForSCCPPhoneServices>0</dscpForSCCPPhoneServices>
<dscpForCm2Dvce>96</dscpForCm2Dvce>
"""

_FEATURES = """\
<dndCallAlert>5</dndCallAlert>
<phonePersonalization>0</phonePersonalization>
<rollover>0</rollover>
<singleButtonBarge>0</singleButtonBarge>
<joinAcrossLines>0</joinAcrossLines>
<autoCallPickupEnable>false</autoCallPickupEnable>
<blfAudibleAlertSettingOfIdleStation>0</blfAudibleAlertSettingOfIdleStation>
<blfAudibleAlertSettingOfBusyStation>0</blfAudibleAlertSettingOfBusyStation>
"""

_MOBILITY = """\
<advertiseG722Codec>1</advertiseG722Codec>
<mobility>
<handoffdn></handoffdn>
<dtmfdn></dtmfdn>
<ivrdn></ivrdn>
<dtmfHoldCode>*81</dtmfHoldCode>
<dtmfExclusiveHoldCode>*82</dtmfExclusiveHoldCode>
<dtmfResumeCode>*83</dtmfResumeCode>
<dtmfTxfCode>*84</dtmfTxfCode>
<dtmfCnfCode>*85</dtmfCnfCode>
</mobility>
"""


def phone_config(phone: PhoneValues) -> bytes:
    """Return the whole configuration file of `phone`, UTF-8."""
    release = phone.cluster.release
    sip = phone.protocol == "SIP"
    text = (
        f"{_root(phone, sip=sip)}"
        "<fullConfig>true</fullConfig>\n"
        f"<portalDefaultServer>{escape(phone.cluster.default_server)}</portalDefaultServer>\n"
        f"<deviceProtocol>{escape(phone.protocol)}</deviceProtocol>\n"
        "<sshUserId></sshUserId>\n<sshPassword></sshPassword>\n"
        f"<ipAddressMode>{phone.ip_address_mode}</ipAddressMode>\n"
        f"{_NETWORK}"
        f"{device_pool_block(phone.pool, release)}"
        f"{tvs_block(phone.pool.tvs)}"
        f"{sip_profile_block(phone) if sip else ''}"
        f"{_PROFILE}"
        f"<loadInformation>{escape(phone.load)}</loadInformation>\n"
        f"<inactiveLoadInformation>{escape(phone.inactive_load)}</inactiveLoadInformation>\n"
        f"{_VENDOR}"
        f"<versionStamp>{escape(phone.version_stamp)}</versionStamp>\n"
        f"{locale_block(phone.cluster)}"
        f"<deviceSecurityMode>{phone.security_mode}</deviceSecurityMode>\n"
        "<idleTimeout>0</idleTimeout>\n"
        f"{urls_block(phone.cluster.urls)}"
        f"{_MARKING}"
        f"<transportLayerProtocol>{phone.transport}</transportLayerProtocol>\n"
        f"{_DIAL_TONE if release >= _DIAL_TONE_FROM else ''}"
        f"{_FEATURES}"
        f"{_security_block(phone)}"
        f"{_MOBILITY}"
        f"{_tail(phone)}"
        "</device>\n"
    )
    return text.encode()


def minimal_config(phone: PhoneValues) -> bytes:
    """Return the short file of a phone whose whole configuration is only served encrypted."""
    text = (
        f"{_root(phone, sip=phone.protocol == 'SIP')}"
        "<fullConfig>false</fullConfig>\n"
        f"<ipAddressMode>{phone.ip_address_mode}</ipAddressMode>\n"
        f"<loadInformation>{escape(phone.load)}</loadInformation>\n"
        f"{_security_block(phone)}"
        "</device>\n"
    )
    return text.encode()


def _root(phone: PhoneValues, *, sip: bool) -> str:
    declared = "" if sip else 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    return (
        f'{DECLARATION}<device {declared} xsi:type="axl:XIPPhone" ctiid="{phone.cti_id}" '
        f'uuid="{{{escape(phone.uuid)}}}">\n'
    )


def _security_block(phone: PhoneValues) -> str:
    encrypted = "true" if phone.encrypted_config else "false"
    return (
        f"<capfAuthMode>{phone.capf.authentication_mode}</capfAuthMode>\n"
        f"{capf_list_block(phone.capf)}"
        f"<certHash>{escape(phone.capf.certificate_hash)}</certHash>\n"
        f"<encrConfig>{encrypted}</encrConfig>\n"
    )


def _tail(phone: PhoneValues) -> str:
    cluster = phone.cluster
    oauth = f"<sipOAuthMode>{int(cluster.sip_oauth)}</sipOAuthMode>\n"
    return (
        f"<TLSResumptionTimer>{cluster.tls_resumption_timer_s}</TLSResumptionTimer>\n"
        f"{services_block(phone)}"
        f"{oauth if cluster.release >= _OAUTH_FROM else ''}"
        f"{_SSO if cluster.release >= _SSO_FROM else ''}"
    )
