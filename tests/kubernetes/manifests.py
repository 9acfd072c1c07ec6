"""Kubernetes manifests as a cluster gets them: rendered by kubectl, and read without a cluster.

`Manifests.environment` and `Pod.command` do what a kubelet does before it starts a container.
"""

import base64
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.fixtures.programs import program

__all__ = ["K8S", "Manifests", "Pod", "Tree", "render"]

K8S = Path(__file__).parents[2] / "k8s"


@dataclass(frozen=True, slots=True)
class Tree:
    """What stands at a place of a manifest. A place that is not there is empty."""

    value: object

    def __getitem__(self, key: str) -> "Tree":
        return Tree(self.value.get(key) if isinstance(self.value, Mapping) else None)

    def __iter__(self) -> Iterator["Tree"]:
        return (Tree(each) for each in self.value) if isinstance(self.value, list) else iter(())

    def __str__(self) -> str:
        assert isinstance(self.value, str | int), self.value
        return str(self.value)

    def __bool__(self) -> bool:
        return self.value is not None

    def items(self) -> Mapping[str, "Tree"]:
        """Return what is below each key."""
        assert isinstance(self.value, Mapping), self.value
        return {key: Tree(value) for key, value in self.value.items()}

    def texts(self) -> dict[str, str]:
        """Return the texts below the keys."""
        return {key: str(value) for key, value in self.items().items()}

    def seconds(self) -> int:
        """Return a number."""
        assert isinstance(self.value, int), self.value
        return self.value


@dataclass(frozen=True, slots=True)
class Pod:
    """The pod of a StatefulSet with one container, and one before it at most."""

    owner: str
    labels: Mapping[str, str]
    spec: Tree

    @property
    def container(self) -> Tree:
        """The container that stays."""
        (container,) = self.spec["containers"]
        return container

    def containers(self) -> Iterator[Tree]:
        """Yield every container, those that run first too."""
        yield from self.spec["initContainers"]
        yield self.container

    def ports(self) -> dict[str, tuple[int, str]]:
        """Return port and protocol of each named port."""
        return {
            str(port["name"]): (
                port["containerPort"].seconds(),
                str(port["protocol"]) if port["protocol"] else "TCP",
            )
            for port in self.container["ports"]
        }

    def volumes(self) -> dict[str, Tree]:
        """Return the pod's own volumes by name."""
        return {str(volume["name"]): volume for volume in self.spec["volumes"]}


class Manifests:
    """The objects of one kustomization."""

    def __init__(self, text: str) -> None:
        self.objects = [Tree(each) for each in yaml.safe_load_all(text)]

    def of(self, kind: str) -> dict[str, Tree]:
        """Return the objects of a kind by name."""
        found = [each for each in self.objects if str(each["kind"]) == kind]
        return {str(each["metadata"]["name"]): each for each in found}

    def pods(self) -> dict[str, Pod]:
        """Return the pod of each StatefulSet."""
        return {name: _pod(name, owner) for name, owner in self.of("StatefulSet").items()}

    def nodes(self) -> dict[str, Pod]:
        """Return the pods that are nodes of the cluster."""
        return {name: pod for name, pod in self.pods().items() if name != "db"}

    def description(self) -> str:
        """Return the description that the pods read."""
        (held,) = self.of("ConfigMap").values()
        return held["data"].texts()["cluster.toml"]

    def secret(self, name: str, key: str) -> str:
        """Return a value of a Secret. Raises KeyError where there is none."""
        return base64.b64decode(self.of("Secret")[name]["data"].texts()[key]).decode()

    def environment(self, pod: Pod, addresses: Mapping[str, str]) -> dict[str, str]:
        """Return the variables of a pod's container; `addresses` are those of Services by name.

        A reference to a variable that is not there raises KeyError; a kubelet would leave it as
        it stands.
        """
        found = {}
        if pod.spec["enableServiceLinks"].value:
            found = {f"{_variable(name)}_SERVICE_HOST": ip for name, ip in addresses.items()}
        for entry in pod.container["env"]:
            held = entry["valueFrom"]["secretKeyRef"]
            if held:
                value = self.secret(str(held["name"]), str(held["key"]))
            else:
                value = re.sub(r"\$\((\w+)\)", lambda m: found[m[1]], str(entry["value"]))
            found[str(entry["name"])] = value
        return found


def _pod(name: str, owner: Tree) -> Pod:
    template = owner["spec"]["template"]
    return Pod(name, template["metadata"]["labels"].texts(), template["spec"])


def _variable(service: str) -> str:
    return service.upper().replace("-", "_")


def render(directory: Path) -> Manifests:
    """Return what `kubectl apply -k` would send to a cluster."""
    done = subprocess.run(
        [program("kubectl"), "kustomize", str(directory)],
        check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return Manifests(done.stdout)
