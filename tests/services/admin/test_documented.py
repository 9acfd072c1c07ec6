"""Every command that a document shows is one: the seeds, cucm.md section 1 and issue 5."""

import pytest

from cucmsim.protocols.admin_grammar import Grammar, Match
from cucmsim.services.admin.table import COMMANDS

SHOWN = {
    "seeds 000 to 004": """
        show itl
        show ctl
        run sql select c.subjectname from certificate as c
        utils ctl set-cluster mixed-mode
        utils ctl update CTLFile
        file delete tftp CTLFile.tlv
        file delete activelog cm/tftpdata/CTLFile.tlv
        utils itl reset localkey
        utils itl reset remotekey joemar2-server.cisco.com joemar2 /home/joemar2/ITLRecovery.p12
        set cert regen CallManager
        set cert regen TVS
        file get tftp ITLRecovery.p12
    """,
    "cucm.md 1.1": """
        set cli pagination off
        show cli pagination
        set commandcount enable
        set cli session timeout 30
        set accountlocking count 3
        set accountlocking unlocktime 300
        show haproxy client-auth 9456
        help show itl
        show version active
    """,
    "cucm.md 1.3 and 1.4": """
        utils ctl set-cluster non-secure-mode
        utils ctl reset localkey
    """,
    "cucm.md 1.5": """
        set cert regen ITLRecovery
        set cert delete CallManager siptest.pem
        set cert import own tomcat
        set cert import trust tomcat caCert
        set cert bulk sftp
        set cert bulk export all
        set cert bulk consolidate tomcat
        set cert bulk import all
        set cert default-ca-list disable common-name Cisco Root CA 2048
        show cert default-ca-list
        set csr gen tomcat
        show csr list own
        show csr own tomcat/tomcat.csr
        show cert list trust
        show cert own CallManager
        show cert own tomcat/tomcat.pem
        show cert trust tomcat-trust/a.pem
    """,
    "cucm.md 1.6": """
        set network hostname
        set network domain example.com
        set network ip eth0 10.3.90.21 255.255.254.0 10.3.90.1
    """,
    "cucm.md 1.7": """
        utils service list
        utils service restart Cisco Tftp
        show network cluster
        utils capf set keep_alive 15
        utils capf stale-lsc list
        utils capf stale-lsc delete all
        utils capf csr list
        utils fips enable
        utils network connectivity 10.1.89.30
        utils network host cucm-pub
        utils network capture eth0 file cap count 100000 size all host ip 10.1.1.1
        utils diagnose test
        utils diagnose module validate_network
        utils ntp status
        utils dbreplication runtimestate
        file get tftp ITLFile.tlv reltime hours 2 match x recurs compress
        file delete tftp x detail noconfirm
        file delete dir tftp rings
        file list tftp * page detail reverse date
        file dump tftp x
        file view tftp x
        file search tftp x "y"
        file tail tftp x
    """,
    "cucm.md 1.7, disaster recovery": """
        utils disaster_recovery device add network sftp1 /backups joemar2-server.cisco.com joemar2 2
        utils disaster_recovery device list
        utils disaster_recovery device delete *
        utils disaster_recovery backup network UCM sftp1
        utils disaster_recovery restore network cucm-pub 2026-03-01-12-00-00 sftp1
        utils disaster_recovery estimate_tar_size UCM
        utils disaster_recovery history backup
        utils disaster_recovery history restore
        utils disaster_recovery jschLogs operation enable
        utils disaster_recovery prepare restore pub_from_sub
        utils disaster_recovery schedule add nightly sftp1 UCM 2026/03/02-02:00 monthly
        utils disaster_recovery schedule enable nightly
        utils disaster_recovery schedule disable nightly
        utils disaster_recovery schedule delete nightly
        utils disaster_recovery schedule list
        utils disaster_recovery show_backupfiles sftp1
        utils disaster_recovery show_registration cucm-pub
        utils disaster_recovery status backup
        utils disaster_recovery status restore
        utils disaster_recovery cancel_backup
    """,
    "cucm.md, not found": "show tls min-version",
    "issue 5": """
        show status
        show hostname
        show tech database
        show timezone config
        show myself
        set password user admin
        set password user security
        utils network ping cucm-sub
        utils system restart
        file list install *
        file view activelog cm/trace/tvs/sdi/tvs00000001.txt
        delete account helper
        unset network domain
        exit
    """,
}


@pytest.mark.parametrize("document", SHOWN)
def test_the_commands_of_a_document_are_known(document: str) -> None:
    grammar = Grammar(COMMANDS)
    lines = [line.strip() for line in SHOWN[document].splitlines() if line.strip()]
    assert [line for line in lines if not isinstance(grammar.match(line), Match)] == []


def test_every_command_says_what_it_does_and_has_an_example_that_fits() -> None:
    grammar = Grammar(COMMANDS)
    assert [one.name for one in COMMANDS if not one.description] == []
    assert [one.example for one in COMMANDS if not _fits(grammar.match(one.example), one)] == []


def _fits(found: object, wanted: object) -> bool:
    return isinstance(found, Match) and found.syntax is wanted
