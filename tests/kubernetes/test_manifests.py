"""The manifests in k8s/, against the published schemas, the program, Compose and one another.

No cluster runs here. `tests/docker/test_pods.py` runs the pods.
"""

import copy
import re
import shutil
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from cucmsim.cluster.loading import load_settings, parse_settings
from cucmsim.cluster.opening import _WAIT_FOR_PUBLISHER_S
from cucmsim.cluster.ports import ServiceName
from cucmsim.cluster.settings import NodeSettings, Settings
from tests.kubernetes.manifests import K8S, Manifests, Pod, Tree, render

ROOT = K8S.parent
OLDEST = "1.27"
"""The oldest release of Kubernetes that the documentation promises."""
RELEASES = (OLDEST, kubernetes_validate.latest_version())
OVERLAYS = ("lab", "phones")


@cache
def rendered(overlay: str) -> Manifests:
    return render(K8S / "overlays" / overlay)


@pytest.fixture(params=OVERLAYS)
def manifests(request: pytest.FixtureRequest) -> Manifests:
    return rendered(request.param)


def addresses(manifests: Manifests) -> dict[str, str]:
    """Return an address that a cluster would give each Service."""
    return {name: f"10.96.7.{number}" for number, name in enumerate(manifests.of("Service"), 1)}


def settings_of(manifests: Manifests, pod: Pod) -> Settings:
    """Return the settings that a pod's process reads. Raises SettingsError."""
    given = manifests.environment(pod, addresses(manifests))
    return parse_settings(manifests.description(), Path("/etc/cucmsim/cluster.toml"), given)


def expected_ports(node: NodeSettings) -> set[tuple[int, str]]:
    return {
        (port, "UDP" if service is ServiceName.TFTP else "TCP")
        for service in node.services
        for port in node.ports.of(service)
    }


def dockerfile(instruction: str) -> list[str]:
    """Return the words of the last such instruction of the Dockerfile."""
    lines = re.findall(rf"^{instruction} (.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    return str(lines[-1]).split()


@pytest.mark.parametrize("release", RELEASES)
def test_every_object_is_one_that_kubernetes_knows(manifests: Manifests, release: str) -> None:
    for each in manifests.objects:
        assert isinstance(each.value, dict)
        kubernetes_validate.validate(each.value, release, strict=True)


def test_a_misspelt_key_would_be_found() -> None:
    owner = copy.deepcopy(rendered("lab").of("StatefulSet")["cucm-pub"].value)
    assert isinstance(owner, dict)
    probe = owner["spec"]["template"]["spec"]["containers"][0]["livenessProbe"]
    probe["periodSecond"] = probe.pop("periodSeconds")
    with pytest.raises(kubernetes_validate.ValidationError, match="periodSecond"):
        kubernetes_validate.validate(owner, RELEASES[-1], strict=True)


def test_what_an_object_refers_to_is_there(manifests: Manifests) -> None:
    pods = manifests.pods()
    for name, service in manifests.of("Service").items():
        selector = service["spec"]["selector"].texts().items()
        (pod,) = (pod for pod in pods.values() if selector <= pod.labels.items())
        assert pod.owner == name
        for port in service["spec"]["ports"]:
            number, protocol = pod.ports()[str(port["targetPort"])]
            said = str(port["protocol"]) if port["protocol"] else "TCP"
            assert (port["port"].seconds(), said) == (number, protocol), name
    for name, owner in manifests.of("StatefulSet").items():
        assert str(owner["spec"]["serviceName"]) in manifests.of("Service")
        assert owner["spec"]["selector"]["matchLabels"].texts().items() <= pods[name].labels.items()
        claims = [str(claim["metadata"]["name"]) for claim in owner["spec"]["volumeClaimTemplates"]]
        volumes = [*claims, *pods[name].volumes()]
        mounted = [str(mount["name"]) for mount in pods[name].container["volumeMounts"]]
        assert sorted(mounted) == sorted(volumes), name
        for volume in pods[name].volumes().values():
            assert not volume["configMap"] or str(volume["configMap"]["name"]) in manifests.of(
                "ConfigMap"
            )
    (namespace,) = manifests.of("Namespace")
    for each in manifests.objects:
        assert each["kind"].value == "Namespace" or each["metadata"]["namespace"].value == namespace


def test_each_node_of_the_description_is_a_pod_with_a_service(manifests: Manifests) -> None:
    for name, pod in manifests.nodes().items():
        settings = settings_of(manifests, pod)
        assert [node.name for node in settings.nodes] == list(manifests.nodes())
        node = settings.node(name)
        assert pod.container["args"].value == ["run", str(settings.path), "--node", name]
        assert set(pod.ports().values()) == expected_ports(node)
        service = manifests.of("Service")[name]["spec"]
        assert {port["port"].seconds() for port in service["ports"]} == {
            port for port, _ in expected_ports(node)
        }
        assert service["publishNotReadyAddresses"].value is True
        mounts = {str(mount["mountPath"]) for mount in pod.container["volumeMounts"]}
        kept = {str(settings.cluster.data_directory), str(settings.cluster.certs_directory)}
        assert mounts == {*kept, "/etc/cucmsim", "/tmp"}  # noqa: S108  of a container
        assert settings.cluster.database.endswith("@db/cucmsim")


def test_nodes_tell_phones_in_the_cluster_the_addresses_of_services() -> None:
    manifests = rendered("lab")
    for pod in manifests.nodes().values():
        for node in settings_of(manifests, pod).nodes:
            assert node.address == addresses(manifests)[node.name]
            namespace = str(manifests.of("Service")[node.name]["metadata"]["namespace"])
            assert node.fqdn == f"{node.name}.{namespace}.svc.cluster.local"


def test_nodes_tell_phones_outside_the_addresses_of_load_balancers() -> None:
    manifests = rendered("phones")
    for pod in manifests.nodes().values():
        for node in settings_of(manifests, pod).nodes:
            service = manifests.of("Service")[node.name]["spec"]
            assert str(service["type"]) == "LoadBalancer"
            assert node.address == str(service["loadBalancerIP"])
            assert node.fqdn == f"{node.name}.lab.example"
    assert not manifests.of("Service")["db"]["spec"]["type"]


def test_the_manifests_of_nodes_differ_in_nothing_but_names_and_capf() -> None:
    def told(name: str) -> list[str]:
        lines = (K8S / "base" / f"{name}.yaml").read_text().splitlines()
        kept = [line for line in lines if "{name: CUCMSIM_NODES" not in line]
        return [re.sub(rf"\b{name}$", "NODE", re.sub(rf"\b{name}]", "NODE]", x)) for x in kept]

    publisher = [line for line in told("cucm-pub") if "{name: capf, " not in line]
    assert told("cucm-sub") == told("cucm-sub2") == publisher


def test_probes_and_grace_leave_a_node_the_time_that_it_takes(manifests: Manifests) -> None:
    for pod in manifests.nodes().values():
        settings = settings_of(manifests, pod)
        grace_s = pod.spec["terminationGracePeriodSeconds"].seconds()
        assert grace_s >= 2 * settings.limits.stop_timeout_s
        startup = pod.container["startupProbe"]
        given_s = startup["periodSeconds"].seconds() * startup["failureThreshold"].seconds()
        assert given_s > _WAIT_FOR_PUBLISHER_S
        probe = ["python", "-m", "cucmsim.cli.probe"]
        data = str(settings.cluster.data_directory)
        for name, words in (
            ("startupProbe", [data]),
            ("readinessProbe", [data]),
            ("livenessProbe", ["--alive", data]),  # a service that is stopped is no reason to kill
        ):
            assert pod.container[name]["exec"]["command"].value == [*probe, *words]
    owners = manifests.of("StatefulSet")
    assert {str(owners[name]["spec"]["updateStrategy"]["type"]) for name in manifests.nodes()} == {
        "OnDelete"
    }


def test_pods_keep_the_rules_of_their_namespace(manifests: Manifests) -> None:
    (namespace,) = manifests.of("Namespace").values()
    level = namespace["metadata"]["labels"].texts()["pod-security.kubernetes.io/enforce"]
    assert level == "restricted"
    for pod in manifests.pods().values():
        given = pod.spec["securityContext"]
        assert given["runAsNonRoot"].value is True
        assert str(given["seccompProfile"]["type"]) == "RuntimeDefault"
        for key in ("hostNetwork", "hostPID", "hostIPC"):
            assert not pod.spec[key]
        for container in pod.containers():
            own = container["securityContext"]
            assert own["allowPrivilegeEscalation"].value is False
            assert own["readOnlyRootFilesystem"].value is True
            assert own["capabilities"].value == {"drop": ["ALL"]}
            assert container["resources"]["limits"]["memory"]


def test_the_image_is_what_the_manifests_take_it_for() -> None:
    (user,) = re.findall(r"--uid (\d+)", (ROOT / "Dockerfile").read_text())
    exposed = set()
    for word in dockerfile("EXPOSE"):
        ports, _, protocol = word.partition("/")
        first, _, last = ports.partition("-")
        exposed |= {(n, protocol.upper()) for n in range(int(first), int(last or first) + 1)}
    nodes = rendered("lab").nodes()
    assert set(nodes["cucm-pub"].ports().values()) == exposed
    for pod in nodes.values():
        assert str(pod.spec["securityContext"]["runAsUser"]) == user
        (sysctl,) = pod.spec["securityContext"]["sysctls"]
        assert str(sysctl["name"]) == "net.ipv4.ip_unprivileged_port_start"
        assert int(str(sysctl["value"])) <= min(port for port, _ in pod.ports().values())
        for container in pod.containers():
            assert str(container["image"]) == "cucmsim:local"
    assert dockerfile("ENTRYPOINT") == ['["cucmsim"]']


def test_compose_and_kubernetes_have_the_same_cluster() -> None:
    manifests = rendered("lab")
    ours = tomllib.loads(manifests.description())
    theirs = tomllib.loads((ROOT / "config" / "compose.toml").read_text())
    assert ours["cluster"] == theirs["cluster"]
    assert _without_places(ours) == _without_places(theirs)
    assert ours.get("callmanager_groups") == theirs.get("callmanager_groups")
    assert ours["phones"] == [phone for phone in theirs["phones"] if "count" not in phone]
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    database = manifests.pods()["db"]
    assert str(database.container["image"]) == compose["db"]["image"]
    given = manifests.environment(database, {})
    for name, value in compose["db"]["environment"].items():
        assert given[name] == _default(value)
    environ = manifests.environment(manifests.nodes()["cucm-pub"], addresses(manifests))
    for name, value in compose["publisher"]["environment"].items():
        if name.endswith(("DATABASE", "PASSWORD")):
            assert environ[name] == _default(value)


def _without_places(description: Mapping[str, object]) -> list[dict[str, object]]:
    return [
        {key: value for key, value in node.items() if key not in {"domain", "address"}}
        for node in Tree(description)["nodes"].value  # type: ignore[attr-defined]
    ]


def _default(value: str) -> str:
    """Return what Compose makes of a value where no variable is set."""
    return re.sub(r"\$\{\w+:?-([^}]*)\}", r"\1", value)


def test_an_overlay_of_ones_own_replaces_passwords_description_and_image(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "kubernetes.md").read_text()
    shutil.copytree(K8S, tmp_path / "k8s")
    mine = tmp_path / "k8s" / "overlays" / "mine"
    mine.mkdir(exist_ok=True)
    (block,) = (b for b in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if "replace" in b)
    (mine / "kustomization.yaml").write_text(block)
    passwords = ("database-password=abc123", "security-password=s3cret-2445")
    (mine / "passwords.env").write_text("\n".join([*passwords, "administrator-password=adm-2222"]))
    description = (K8S / "base" / "cluster.toml").read_text().replace("LabCluster", "MyCluster")
    (mine / "cluster.toml").write_text(description)
    manifests = render(mine)
    for name, pod in manifests.nodes().items():
        settings = settings_of(manifests, pod)
        assert settings.cluster.id == "MyCluster"
        assert settings.cluster.security_password == "s3cret-2445"
        assert settings.cluster.database == "postgresql://cucmsim:abc123@db/cucmsim"
        assert {str(c["image"]) for c in pod.containers()} == {"registry.example/cucmsim:0.1.0"}
        assert str(pod.volumes()["cluster"]["configMap"]["name"]) in manifests.of("ConfigMap"), name
    assert "change-me" not in str([each.value for each in manifests.objects])
    assert load_settings(mine / "cluster.toml", manifests.environment(pod, addresses(manifests)))
