"""A cluster description: what it yields, its defaults, and everything wrong with it at once."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from cucmsim.cluster.loading import load_settings, parse_settings
from cucmsim.cluster.logs import LogFormat
from cucmsim.cluster.ports import DEFAULT_SERVICES, ServiceName
from cucmsim.cluster.settings import Settings
from cucmsim.errors import Problem, SettingsError
from cucmsim.pki.digests import Digest
from cucmsim.pki.keys import KeySpec
from cucmsim.pki.profiles import Unit
from cucmsim.pki.release import Release

CONFIG = Path(__file__).parents[2] / "config"
CLUSTER = """
[cluster]
security_password = "secret-2445"
"""
PUBLISHER = """
[[nodes]]
name = "pub"
address = "127.0.1.1"
role = "publisher"
"""
SUBSCRIBER = """
[[nodes]]
name = "sub.lab.example"
address = "127.0.1.2"
role = "subscriber"
"""


def read(text: str, environ: Mapping[str, str] | None = None) -> Settings:
    return parse_settings(text, Path("/srv/lab/lab.toml"), environ or {})


def refused(text: str, environ: Mapping[str, str] | None = None) -> dict[str, Problem]:
    with pytest.raises(SettingsError) as caught:
        read(text, environ)
    problems = {problem.key: problem for problem in caught.value.problems}
    assert len(problems) == len(caught.value.problems)
    return problems


def only(text: str) -> Problem:
    (problem,) = refused(text).values()
    return problem


@pytest.mark.parametrize("name", ["lab.toml", "lab-single-address.toml", "mixed-mode.toml"])
def test_the_ready_descriptions_are_right(name: str) -> None:
    settings = load_settings(CONFIG / name, {})
    assert [node.name for node in settings.nodes] == ["cucm-pub", "cucm-sub"]
    assert len(settings.phones) == 3


def test_the_description_for_containers_takes_its_secrets_from_the_environment() -> None:
    environ = {
        "CUCMSIM_CLUSTER__DATABASE": "postgresql://cucmsim:secret@db/cucmsim",
        "CUCMSIM_CLUSTER__SECURITY_PASSWORD": "secret-2445",
    }
    settings = load_settings(CONFIG / "compose.toml", environ)
    assert settings.cluster.database == "postgresql://cucmsim:secret@db/cucmsim"
    node = settings.node("cucm-sub")
    assert node.endpoints(ServiceName.TFTP) == (("0.0.0.0", 69), ("0.0.0.0", 6969))  # noqa: S104
    assert node.address == "172.30.69.12"
    with pytest.raises(SettingsError, match=r"cluster\.security_password: found nothing"):
        load_settings(CONFIG / "compose.toml", {})


def test_the_smallest_description_gets_every_default() -> None:
    settings = read(CLUSTER + PUBLISHER)
    cluster = settings.cluster
    assert (cluster.id, cluster.release) == ("StandAloneCluster", Release(11, 5))
    assert cluster.data_directory == Path("/srv/lab/data")
    assert cluster.certs_directory == Path("/srv/lab/data/certs")
    assert cluster.database == "sqlite:////srv/lab/data/cucm.db"
    assert cluster.log_format is LogFormat.CONSOLE
    assert cluster.tls_keylog is None
    node = settings.publisher
    assert (node.host, node.domain, node.bind) == ("pub", "", "127.0.1.1")
    assert node.services == DEFAULT_SERVICES
    assert {*DEFAULT_SERVICES} >= {ServiceName.TFTP, ServiceName.HTTP, ServiceName.WEB}
    assert node.ports.of(ServiceName.TFTP) == (6969,)
    assert node.ports.of(ServiceName.HTTP) == (6970, 6971, 6972)
    assert node.ports.of(ServiceName.TVS) == (2445,)
    assert node.ports.of(ServiceName.CAPF) == (3804,)
    assert node.ports.of(ServiceName.WEB) == (8443,)
    assert settings.callmanager_groups[0].members == ("pub",)
    assert settings.device_pools[0].callmanager_group == "Default"
    assert settings.phones == ()
    assert settings.limits.stop_timeout_s == 4.0  # everything is to be closed within 5
    assert settings.management.port is None
    assert "secret-2445" not in repr(settings)


def test_paths_are_relative_to_the_file() -> None:
    text = """
[cluster]
security_password = "secret-2445"
data_directory = "../data"
certs_directory = "/certs"
tls_keylog = "keys.log"
database = "sqlite:///../db/x.db"
"""
    cluster = read(text + PUBLISHER).cluster
    assert cluster.data_directory == Path("/srv/data")
    assert cluster.certs_directory == Path("/certs")
    assert cluster.tls_keylog == Path("/srv/lab/keys.log")
    assert cluster.database == "sqlite:////srv/db/x.db"


def test_a_subscriber_runs_no_capf_and_takes_host_and_domain_from_its_name() -> None:
    node = read(CLUSTER + PUBLISHER + SUBSCRIBER).node("sub.lab.example")
    assert (node.host, node.domain, node.fqdn) == ("sub", "lab.example", "sub.lab.example")
    assert node.services == tuple(s for s in DEFAULT_SERVICES if s is not ServiceName.CAPF)
    with pytest.raises(KeyError):
        read(CLUSTER + PUBLISHER).node("sub")


def test_an_offset_is_added_to_every_port_but_0() -> None:
    text = CLUSTER + PUBLISHER + "ports = { tftp = [69, 0], tvs = 0, offset = 1000 }\n"
    ports = read(text).publisher.ports
    assert (ports.tftp, ports.tvs, ports.capf, ports.offset) == ((1069, 0), 0, 4804, 0)
    assert ports.of(ServiceName.HTTP) == (7970, 7971, 7972)
    assert (ports.sip, ports.sip_tls, ports.sccp, ports.sccp_tls) == (6060, 6061, 3000, 3443)
    assert read(text).publisher.endpoints(ServiceName.WEB) == (("127.0.1.1", 9443),)


def test_groups_pools_and_certificates_are_read() -> None:
    text = """
[[callmanager_groups]]
name = "A"
members = ["sub.lab.example", "pub"]
[[callmanager_groups]]
name = "B"
members = ["pub"]
[[device_pools]]
name = "Berlin"
callmanager_group = "B"
time_zone = "Europe/Berlin"
[[device_pools]]
name = "Other"
[certificates]
organization = "Lab AG"
country = "DE"
CallManager = { key = "rsa-4096", digest = "sha512", validity_days = 100 }
tomcat-ECDSA.key = "ec-256"
"""
    settings = read(CLUSTER + PUBLISHER + SUBSCRIBER + text)
    assert settings.callmanager_groups[0].members == ("sub.lab.example", "pub")
    assert [group.tftp_default for group in settings.callmanager_groups] == [True, False]
    assert [pool.callmanager_group for pool in settings.device_pools] == ["B", "A"]
    certificate = settings.certificates.of(Unit.CALLMANAGER)
    assert certificate.key == KeySpec.parse("rsa-4096")
    assert certificate.digest is Digest.SHA512
    assert certificate.validity_days == 100
    assert settings.certificates.of(Unit.TVS).key is None
    assert settings.certificates.of(Unit.TOMCAT_ECDSA).key == KeySpec.parse("ec-256")
    assert settings.certificates.subject.organization == "Lab AG"
    assert settings.certificates.subject.country == "DE"


def test_parameters_are_given_as_they_are_stored() -> None:
    text = """
[enterprise_parameters]
RollBackToPreGrayback = true
CAPFOperationExpiresIn = 3
[service_parameters.tftp]
MaximumServingCount = 20
"""
    settings = read(CLUSTER + PUBLISHER + text)
    assert settings.enterprise_parameters == {
        "RollBackToPreGrayback": "T",
        "CAPFOperationExpiresIn": "3",
    }
    assert settings.service_parameters == {("", "tftp", "MaximumServingCount"): "20"}


def test_alternate_file_locations_are_parameters_of_the_cluster_or_of_a_node() -> None:
    locations = 'alternate_file_locations = ["10.1.1.1", "tftp://10.2.2.2:69"]\n'
    everywhere = "[tftp]\n" + locations
    held = {
        ("", "tftp", "AlternateFileLocation1"): "10.1.1.1",
        ("", "tftp", "AlternateFileLocation2"): "tftp://10.2.2.2:69",
    }
    assert read(CLUSTER + PUBLISHER + everywhere).service_parameters == held
    own = {("pub", "tftp", name): text for (_, _, name), text in held.items()}
    assert read(CLUSTER + PUBLISHER + locations).service_parameters == own
    none = "alternate_file_locations = []\n"
    assert read(CLUSTER + PUBLISHER + none + everywhere).service_parameters == held | {
        ("pub", "tftp", "AlternateFileLocation1"): ""
    }


@pytest.mark.parametrize(
    ("text", "key", "found", "expected", "nearest"),
    [
        (
            "relase = '11.5'",
            "cluster.relase",
            "an unknown key",
            "one of administrator, ",
            "release",
        ),
        ("release = 11.5", "cluster.release", "11.5", 'a release such as "8.6"', None),
        ("release = '16'", "cluster.release", '"16"', "a release", None),
        ("id = ''", "cluster.id", '""', "1 to 50 letters", None),
        ("security_mode = 'mixt'", "cluster.security_mode", '"mixt"', 'one of "non-s', "mixed"),
        ("log_format = 'csico'", "cluster.log_format", '"csico"', "one of", "cisco"),
        ("database = 'mysql://h/d'", "cluster.database", "a value not shown here", '"sqlite', None),
        ("data_directory = 5", "cluster.data_directory", "5", "the path of", None),
        ("tls_keylog = true", "cluster.tls_keylog", "true", "the path of", None),
    ],
)
def test_a_wrong_cluster_key_is_named(
    text: str, key: str, found: str, expected: str, nearest: str | None
) -> None:
    problem = only(CLUSTER + text + PUBLISHER)
    assert (problem.file, problem.key) == ("/srv/lab/lab.toml", key)
    assert problem.found == found
    assert problem.expected.startswith(expected)
    assert problem.nearest == nearest


@pytest.mark.parametrize(
    ("text", "key", "found"),
    [
        ("adress = '127.0.1.9'", "nodes[0].adress", "an unknown key"),
        ("bind = '127.0.1.256'", "nodes[0].bind", '"127.0.1.256"'),
        ("bind = 'localhost'", "nodes[0].bind", '"localhost"'),
        ("host = 'a_b'", "nodes[0].host", '"a_b"'),
        ("domain = '-x'", "nodes[0].domain", '"-x"'),
        ("services = ['tfpt']", "nodes[0].services[0]", '"tfpt"'),
        ("services = 5", "nodes[0].services", "5"),
        ("tftp_single_port = 'yes'", "nodes[0].tftp_single_port", '"yes"'),
        ("tftp_transfer_ports = 40000", "nodes[0].tftp_transfer_ports", "40000"),
        ("tftp_transfer_ports = '4-3'", "nodes[0].tftp_transfer_ports", '"4-3"'),
        ("tftp_transfer_ports = '0-99'", "nodes[0].tftp_transfer_ports", '"0-99"'),
        ("tftp_transfer_ports = '1-65536'", "nodes[0].tftp_transfer_ports", '"1-65536"'),
        ("tftp_transfer_ports = 'any'", "nodes[0].tftp_transfer_ports", '"any"'),
        (
            "tftp_transfer_ports = '40000-40999'\ntftp_single_port = true",
            "nodes[0].tftp_transfer_ports",
            "ports besides `tftp_single_port`",
        ),
        ("ports = { tvs = 65536 }", "nodes[0].ports.tvs", "65536"),
        ("ports = { tvs = '2445' }", "nodes[0].ports.tvs", '"2445"'),
        ("ports = { tvs = true }", "nodes[0].ports.tvs", "true"),
        ("ports = { tftp = [] }", "nodes[0].ports.tftp", "a list"),
        ("ports = { tftp = [69, -1] }", "nodes[0].ports.tftp[1]", "-1"),
        ("ports = { tftp = [69, 69] }", "nodes[0].ports.tftp[1]", "127.0.1.1:69/UDP"),
        ("ports = { capf = 2445 }", "nodes[0].ports.capf", "127.0.1.1:2445/TCP"),
        (
            "services = ['http', 'web']\nports = { web = 6972 }",
            "nodes[0].ports.web",
            "127.0.1.1:6972/TCP",
        ),
        (
            "services = ['http']\nports = { http = 6971 }",
            "nodes[0].ports.https",
            "127.0.1.1:6971/TCP",
        ),
        (
            "services = ['web']\nports = { web = 65535, offset = 1 }",
            "nodes[0].ports.web",
            "65536 with the offset",
        ),
        ("ports = { capf = 65535, offset = 1 }", "nodes[0].ports.capf", "65536 with the offset"),
        ("ports = 5", "nodes[0].ports", "5"),
    ],
)
def test_a_wrong_node_key_is_named(text: str, key: str, found: str) -> None:
    problem = only(CLUSTER + PUBLISHER + text)
    assert (problem.key, problem.found) == (key, found)


def test_what_is_wrong_between_nodes_is_named() -> None:
    twin = PUBLISHER.replace("publisher", "subscriber") + "services = ['capf']\nports.capf = 6969\n"
    third = PUBLISHER.replace('"pub"', '"third"') + "services = ['tftp', 'tvs', 'capf']\n"
    problems = refused(CLUSTER + PUBLISHER + twin + third)
    assert problems["nodes"].found == "2 publishers"
    assert problems["nodes[1].name"].expected == "a name of its own (nodes[0] has this one)"
    assert problems["nodes[1].host"].found == '"pub"'
    assert problems["nodes[1].services"].found == '"capf" on a subscriber'
    assert problems["nodes[2].ports.tftp[0]"].expected.endswith("(nodes[0] tftp[0] has this one)")
    assert problems["nodes[2].ports.tvs"].found == "127.0.1.1:2445/TCP"
    assert problems["nodes[2].ports.capf"].found == "127.0.1.1:3804/TCP"
    assert len(problems) == 7


def test_nodes_may_share_an_address_with_other_ports() -> None:
    other = SUBSCRIBER.replace("127.0.1.2", "127.0.1.1") + "ports.offset = 10\n"
    assert len(read(CLUSTER + PUBLISHER + other).nodes) == 2


def test_a_node_needs_an_address_that_phones_can_reach_and_a_host_name() -> None:
    text = PUBLISHER.replace('"pub"', '"10.0.0.1"').replace("127.0.1.1", "0.0.0.0")  # noqa: S104
    assert set(refused(CLUSTER + text)) == {"nodes[0].host", "nodes[0].address"}


def test_a_cluster_needs_a_publisher() -> None:
    assert only(CLUSTER + SUBSCRIBER).found == "no publisher"
    assert set(refused("")) == {"nodes", "cluster.security_password"}
    wrong = only(CLUSTER + PUBLISHER.replace("127.0.1.1", "here"))
    assert wrong.key == "nodes[0].address"


@pytest.mark.parametrize(
    ("text", "key", "nearest"),
    [
        ("[phone]", "phone", "phones"),
        ("[nodez]", "nodez", "nodes"),
        ("[phones]", "phones", None),
        ("[enterprise_parameters]\nRollBackToPreGreyback = true", None, "RollBackToPreGrayback"),
        ("[service_parameters.tfpt]\nx = 1", "service_parameters.tfpt", "tftp"),
        ("[service_parameters.tftp]\nMaximumServing = 1", None, "MaximumServingCount"),
        ("[service_parameters]\ntftp = 1", "service_parameters.tftp", None),
        ("[certificates.Tomcat]", "certificates.Tomcat", "tomcat"),
        ("[[callmanager_groups]]\nname = 'A'\nmembers = ['pup']", None, "pub"),
        ("[[device_pools]]\nname = 'A'\ncallmanager_group = 'Defalt'", None, "Default"),
    ],
)
def test_a_name_that_means_nothing_is_shown_with_the_nearest(
    text: str, key: str | None, nearest: str | None
) -> None:
    problem = only(CLUSTER + PUBLISHER + text)
    assert key is None or problem.key == key
    assert problem.nearest == nearest


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[enterprise_parameters]\nTFTPFileSignatureAlgorithm = 'MD5'", None),
        ("[enterprise_parameters]\nClusterSecurityMode = 1", None),
        ("[enterprise_parameters]\nRollBackToPreGrayback = 1", None),
        ("[service_parameters.capf]\nDurationOfCertificateValidity = 1826", None),
        ("[service_parameters.capf]\nDurationOfCertificateValidity = 1.5", None),
        ("[certificates.CallManager]\nkey = 'rsa-512'", "certificates.CallManager.key"),
        ("[certificates.CallManager]\nkey = 'ec-256'", "certificates.CallManager.key"),
        (
            "[certificates.CallManager-ECDSA]\nkey = 'rsa-2048'",
            "certificates.CallManager-ECDSA.key",
        ),
        ("[certificates.TVS]\ndigest = 'md5'", "certificates.TVS.digest"),
        ("[certificates.TVS]\nvalidity_days = 0", "certificates.TVS.validity_days"),
        ("[certificates]\ncountry = 'Germany'", "certificates.country"),
        ("[tftp]\nalternate_file_locations = ['a:b']", "tftp.alternate_file_locations[0]"),
        (f"[tftp]\nalternate_file_locations = {['a'] * 11}", "tftp.alternate_file_locations"),
        ("alternate_file_locations = ['ftp://a']", "nodes[0].alternate_file_locations[0]"),
        ("[management]\nport = 8443", "management.token"),
        ("[management]\nport = 8443\ntoken = 'short'", "management.token"),
        ("[limits]\ntftp_timeout_s = 0", "limits.tftp_timeout_s"),
        ("[limits]\ntftp_timeout_s = '3'", "limits.tftp_timeout_s"),
        ("[[callmanager_groups]]\nname = 'A'\nmembers = []", "callmanager_groups[0].members"),
        (
            "[[callmanager_groups]]\nname = 'A'\nmembers = ['pub', 'pub']",
            "callmanager_groups[0].members[1]",
        ),
        ("[[security_profiles]]\nname = 'A'\ntransport = 'sctp'", "security_profiles[0].transport"),
        ("[[security_profiles]]\nname = 'A'\ntransport = 3", "security_profiles[0].transport"),
    ],
)
def test_a_value_that_is_not_allowed_is_named(text: str, key: str | None) -> None:
    problem = only(CLUSTER + PUBLISHER + text)
    assert key is None or problem.key == key
    assert problem.found
    assert problem.expected


def test_a_section_of_the_wrong_kind_is_named() -> None:
    text = "enterprise_parameters = 1\nservice_parameters = 2\nlimits = 3\ndevice_pools = 4\n"
    problems = refused(text + CLUSTER + PUBLISHER)
    assert set(problems) == {
        "enterprise_parameters",
        "service_parameters",
        "limits",
        "device_pools",
    }
    assert problems["device_pools"].expected.endswith("[[device_pools]]")
    assert problems["limits"].expected == "a table"


def test_every_problem_is_reported_at_once() -> None:
    text = """
[cluster]
release = "one"
database = "oracle"
[[nodes]]
name = "pub"
address = 7
role = "boss"
[[nodes]]
name = "pub"
[[device_pools]]
name = "A"
callmanager_group = "B"
[[phones]]
mac = "0"
"""
    assert set(refused(text)) == {
        "cluster.release",
        "cluster.database",
        "cluster.security_password",
        "nodes[0].address",
        "nodes[0].role",
        "nodes[1].name",
        "nodes[1].host",
        "nodes[1].address",
        "nodes[1].role",
        "device_pools[0].callmanager_group",
        "phones[0].mac",
        "phones[0].model",
    }


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (
            PUBLISHER + "domain = '-'\nports = { tvs = -1, capf = 8443 }\n",
            {"nodes[0].domain", "nodes[0].ports.tvs", "nodes[0].ports.web"},
        ),
        (
            PUBLISHER + "bind = 5\n" + SUBSCRIBER + "adress = ''\nservices = ['capf']\n",
            {"nodes[0].bind", "nodes[1].adress", "nodes[1].services"},
        ),
        (
            PUBLISHER + "[[callmanager_groups]]\nname = ''\nmembers = ['pup', 5, 'pub', 'pub']\n",
            {f"callmanager_groups[0].{key}" for key in ("name", "members", "members[1]")},
        ),
        (
            PUBLISHER + "[[callmanager_groups]]\nname = ''\nmembers = ['pup', 5, 'pub']\n",
            {f"callmanager_groups[0].{key}" for key in ("name", "members[0]", "members[1]")},
        ),
        (
            PUBLISHER + "[[device_pools]]\nname = 5\nntp_servers = ['x']\n"
            "callmanager_group = 'B'\n",
            {f"device_pools[0].{key}" for key in ("name", "ntp_servers[0]", "callmanager_group")},
        ),
        (
            PUBLISHER + "[[tftp_files]]\nname = 5\npath = 'none'\nnodes = ['sub', 5]\n",
            {f"tftp_files[0].{key}" for key in ("name", "path", "nodes[0]", "nodes[1]")},
        ),
        (
            PUBLISHER + "[certificates]\ncountry = 'us'\nTVS.key = 'ec-256'\n",
            {"certificates.country", "certificates.TVS.key"},
        ),
        (
            PUBLISHER + "[management]\naddress = 'here'\nport = 8444\n",
            {"management.address", "management.token"},
        ),
        (
            PUBLISHER + "[[security_profiles]]\nname = 'P'\nauthentication_mode = 'by-hand'\n"
            "[[phones]]\nmac = '001B54C25A01'\nmodel = '7962'\nsecurity_profile = 'P'\n"
            "authentication_string = '1234'\nprotocol = 'SIP'\ncount = 0\nlines = ['x', '{}']\n",
            {"security_profiles[0].authentication_mode"}
            | {f"phones[0].{key}" for key in ("count", "lines[0].number", "lines[1].number")},
        ),
        (
            PUBLISHER + "[[phones]]\nmac = '001B54C25A01'\nmodel = '8861'\nprotocol = 'SCCP'\n"
            "authentication_string = 'x'\ndevice_pool = 'None'\nsecurity_profile = 'None'\n",
            {
                f"phones[0].{key}"
                for key in (
                    "protocol",
                    "authentication_string",
                    "device_pool",
                    "security_profile",
                )
            },
        ),
    ],
)
def test_a_wrong_key_hides_no_other_problem(text: str, keys: set[str]) -> None:
    assert set(refused(CLUSTER + text)) == keys


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (PUBLISHER + "ports = { tftp = 70000 }\n", "nodes[0].ports.tftp"),
        (PUBLISHER + "ports = { tftp = [69, 70000] }\n", "nodes[0].ports.tftp[1]"),
        (PUBLISHER + "services = ['tftp', 'x']\n", "nodes[0].services[1]"),
        (PUBLISHER.replace("publisher", "publsher"), "nodes[0].role"),
        (PUBLISHER + SUBSCRIBER.replace("2", "1").replace("sub", "-", 1), "nodes[1].name"),
        (
            PUBLISHER + SUBSCRIBER.replace("0.1.2", "0.1.1") + "ports.offset = 'x'\n",
            "nodes[1].ports.offset",
        ),
        (
            PUBLISHER + SUBSCRIBER.replace("0.1.2", "0.1.1") + "ports = 5\n",
            "nodes[1].ports",
        ),
        (PUBLISHER + "[management]\nport = 8444\ntoken = 5\n", "management.token"),
        (PUBLISHER + "[[tftp_files]]\npath = 5\n", "tftp_files[0].path"),
        (PUBLISHER + "[[phones]]\nfile = 5\n", "phones[0].file"),
        (
            PUBLISHER + "[[phones]]\nmac = '001B54C25A01'\nmodel = '8861'\n"
            "security_profile = 'None'\nauthentication_string = '1234'\n",
            "phones[0].security_profile",
        ),
        (
            PUBLISHER + "[[phones]]\nmac = '001B54C25A01'\nmodel = '8861'\n"
            "authentication_mode = 'x'\nauthentication_string = '1234'\n",
            "phones[0].authentication_mode",
        ),
        (
            PUBLISHER + "[[phones]]\nmac = '001B54C25A01'\nmodel = '8861'\n"
            "security_profile = 5\nauthentication_string = '1234'\n",
            "phones[0].security_profile",
        ),
    ],
)
def test_one_mistake_is_one_problem(text: str, key: str) -> None:
    assert only(CLUSTER + text).key == key


def test_a_secret_is_never_shown() -> None:
    text = CLUSTER.replace("secret-2445", "a b c d e f") + PUBLISHER
    assert only(text).found == "a value not shown here"


@pytest.mark.parametrize(
    ("text", "key", "found"),
    [
        ("[cluster", "line 1, column 9", "Expected ']' at the end of a table declaration"),
        ("a = 1\na = 2", "line 2, column 6", "Cannot overwrite a value"),
        ("a = ", "end of document", "Invalid value"),
        ("a = " + "[" * 100_000, "the file", "endless nesting"),
    ],
)
def test_what_is_no_toml_is_located(text: str, key: str, found: str) -> None:
    problem = only(text)
    assert problem.key.replace("end of document", key) == key
    assert problem.found == found


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such file or directory"):
        load_settings(tmp_path / "none.toml", {})
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b"# caf\xe9")
    with pytest.raises(SettingsError, match="no UTF-8, at offset 5"):
        load_settings(latin, {})
