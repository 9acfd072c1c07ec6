"""`sipProfile`: what only the configuration of a SIP phone has, as XML text.

The features and timers are those of the Standard SIP Profile of a new cluster.
"""

from cucmsim.formats.phoneblocks import escape
from cucmsim.formats.phonevalues import Line, PhoneValues

__all__ = ["sip_profile_block"]

_HEAD = """\
<sipProfile>
<sipProxies>
<backupProxy>USECALLMANAGER</backupProxy>
<backupProxyPort>5060</backupProxyPort>
<emergencyProxy>USECALLMANAGER</emergencyProxy>
<emergencyProxyPort>5060</emergencyProxyPort>
<outboundProxy>USECALLMANAGER</outboundProxy>
<outboundProxyPort>5060</outboundProxyPort>
<registerWithProxy>true</registerWithProxy>
</sipProxies>
<sipCallFeatures>
<cnfJoinEnabled>true</cnfJoinEnabled>
<callForwardURI>x-cisco-serviceuri-cfwdall</callForwardURI>
<callPickupURI>x-cisco-serviceuri-pickup</callPickupURI>
<callPickupListURI>x-cisco-serviceuri-opickup</callPickupListURI>
<callPickupGroupURI>x-cisco-serviceuri-gpickup</callPickupGroupURI>
<meetMeServiceURI>x-cisco-serviceuri-meetme</meetMeServiceURI>
<abbreviatedDialURI>x-cisco-serviceuri-abbrdial</abbreviatedDialURI>
<rfc2543Hold>false</rfc2543Hold>
<callHoldRingback>2</callHoldRingback>
<localCfwdEnable>true</localCfwdEnable>
<semiAttendedTransfer>true</semiAttendedTransfer>
<anonymousCallBlock>2</anonymousCallBlock>
<callerIdBlocking>2</callerIdBlocking>
<remoteCcEnable>true</remoteCcEnable>
<retainForwardInformation>false</retainForwardInformation>
<uriDialingDisplayPreference>1</uriDialingDisplayPreference>
</sipCallFeatures>
<sipStack>
<sipInviteRetx>6</sipInviteRetx>
<sipRetx>10</sipRetx>
<timerInviteExpires>180</timerInviteExpires>
<timerRegisterExpires>3600</timerRegisterExpires>
<timerRegisterDelta>5</timerRegisterDelta>
<timerKeepAliveExpires>120</timerKeepAliveExpires>
<timerSubscribeExpires>120</timerSubscribeExpires>
<timerSubscribeDelta>5</timerSubscribeDelta>
<timerT1>500</timerT1>
<timerT2>4000</timerT2>
<maxRedirects>70</maxRedirects>
<remotePartyID>true</remotePartyID>
<userInfo>None</userInfo>
</sipStack>
<autoAnswerTimer>1</autoAnswerTimer>
<autoAnswerAltBehavior>false</autoAnswerAltBehavior>
<autoAnswerOverride>true</autoAnswerOverride>
<transferOnhookEnabled>false</transferOnhookEnabled>
<enableVad>false</enableVad>
<preferredCodec>none</preferredCodec>
<dtmfAvtPayload>101</dtmfAvtPayload>
<dtmfDbLevel>3</dtmfDbLevel>
<dtmfOutofBand>avt</dtmfOutofBand>
<kpml>3</kpml>
<alwaysUsePrimeLine>false</alwaysUsePrimeLine>
<alwaysUsePrimeLineVoiceMail>false</alwaysUsePrimeLineVoiceMail>
"""

_TIMERS = """\
<stutterMsgWaiting>0</stutterMsgWaiting>
<callStats>false</callStats>
<offhookToFirstDigitTimer>15000</offhookToFirstDigitTimer>
<T302Timer>15000</T302Timer>
<silentPeriodBetweenCallWaitingBursts>10</silentPeriodBetweenCallWaitingBursts>
<disableLocalSpeedDialConfig>true</disableLocalSpeedDialConfig>
<poundEndOfDial>false</poundEndOfDial>
<startMediaPort>16384</startMediaPort>
<stopMediaPort>32766</stopMediaPort>
"""

_LINE_FEATURES = """\
<autoAnswer>
<autoAnswerEnabled>0</autoAnswerEnabled>
</autoAnswer>
<callWaiting>3</callWaiting>
<authName></authName>
<authPassword></authPassword>
<sharedLine>false</sharedLine>
<messageWaitingLampPolicy>3</messageWaitingLampPolicy>
<messagesNumber></messagesNumber>
<ringSettingIdle>4</ringSettingIdle>
<ringSettingActive>5</ringSettingActive>
"""

_LINE_DISPLAY = """\
<forwardCallInfoDisplay>
<callerName>true</callerName>
<callerNumber>false</callerNumber>
<redirectedNumber>false</redirectedNumber>
<dialedNumber>true</dialedNumber>
</forwardCallInfoDisplay>
"""


def _line(line: Line) -> str:
    number = escape(line.number)
    return (
        f'<line button="{line.button}" lineIndex="{line.button}">\n'
        "<featureID>9</featureID>\n"
        f"<featureLabel>{escape(line.label)}</featureLabel>\n"
        "<proxy>USECALLMANAGER</proxy>\n"
        "<port>5060</port>\n"
        f"<name>{number}</name>\n"
        f"<displayName>{escape(line.display_name)}</displayName>\n"
        f"{_LINE_FEATURES}"
        f"<contact>{escape(line.uuid) or number}</contact>\n"
        f"{_LINE_DISPLAY}"
        f"<maxNumCalls>{line.max_calls}</maxNumCalls>\n"
        f"<busyTrigger>{line.busy_trigger}</busyTrigger>\n"
        "</line>\n"
    )


def sip_profile_block(phone: PhoneValues) -> str:
    """Return `sipProfile` with the phone's lines and the name of its soft-key file."""
    lines = "".join(map(_line, phone.lines))
    return (
        f"{_HEAD}"
        f"<phoneLabel>{escape(phone.phone_label)}</phoneLabel>\n"
        f"{_TIMERS}"
        f"<sipLines>\n{lines}</sipLines>\n"
        "<voipControlPort>5060</voipControlPort>\n"
        "<dscpForAudio>184</dscpForAudio>\n"
        "<ringSettingBusyStationPolicy>0</ringSettingBusyStationPolicy>\n"
        f"<softKeyFile>{escape(phone.soft_key_file)}</softKeyFile>\n"
        "<dialTemplate></dialTemplate>\n"
        "</sipProfile>\n"
    )
