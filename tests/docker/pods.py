"""The pods of Kubernetes manifests as containers: what a kubelet would give them, from the engine.

User, capabilities, read-only root, sysctls, memory, variables, volumes and commands are the
manifests'. Claims are volumes whose root belongs to root and the pod's group, with a `lost+found`,
as a file system of their own has it. A Service is a name on the network, at its only pod's address.
"""

import os
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

from tests.docker.lab import ROOT, free_network, run, until
from tests.kubernetes.manifests import Manifests, Pod, Tree

__all__ = ["Pods"]

_LOCAL = "cucmsim:local"
_FILE_SYSTEMS = """for each in /claim*; do
  chown root:{group} $each; chmod 2775 $each; mkdir -m 700 $each/lost+found
done"""


class Pods:
    """The pods of `manifests`, with an image, a network and volumes of their own."""

    def __init__(self, manifests: Manifests, configuration: Path) -> None:
        self._manifests = manifests
        self._project = f"cucmsimpods{os.getpid()}"
        self._image = f"{self._project}:test"
        self._net = free_network()
        self._configuration = configuration
        self._pods = manifests.pods()
        self.addresses = {
            name: f"{self._net}.{number}" for number, name in enumerate(manifests.of("Service"), 11)
        }

    def prepare(self) -> None:
        """Build the image, make network, description and volumes."""
        run(["docker", "build", "-q", "-t", self._image, str(ROOT)])
        run(["docker", "network", "create", "--subnet", f"{self._net}.0/24", self._project])
        self._configuration.mkdir(mode=0o755)
        (self._configuration / "cluster.toml").write_text(self._manifests.description())
        for name, pod in self._pods.items():
            volumes = [f"-v{volume}:/{place}" for place, volume in self._claims(name)]
            words = ["--user=0", "--network=none", "--entrypoint=sh", self._image]
            made = _FILE_SYSTEMS.format(group=_user_and_group(pod)[1])
            run(["docker", "run", "--rm", "--no-healthcheck", *volumes, *words, "-ec", made])

    def start(self, name: str) -> None:
        """Start a pod: what runs before, to its end, then its container."""
        pod = self._pods[name]
        for first in pod.spec["initContainers"]:
            words = [*self._options(pod, first), "--rm", *self._command(first)]
            run(["docker", "run", *words])
        place = ["--ip", self.addresses[name], "--network-alias", name]
        known = ["-d", "--name", self.container(name), "--hostname", f"{name}-0", *place]
        mounts = [word for mount in self._mounts(pod) for word in mount]
        values = self._manifests.environment(pod, self.addresses)
        variables = [word for key, value in values.items() for word in ("-e", f"{key}={value}")]
        words = [*self._options(pod, pod.container), *known, *mounts, *variables]
        run(["docker", "run", *words, *self._command(pod.container)])

    def stop(self, name: str) -> int:
        """End a pod in its grace and remove it; return the exit status (137: it was killed)."""
        grace = str(self._pods[name].spec["terminationGracePeriodSeconds"])
        run(["docker", "stop", "-t", grace, self.container(name)])
        shown = run(["docker", "inspect", "-f", "{{.State.ExitCode}}", self.container(name)])
        run(["docker", "rm", self.container(name)])
        return int(shown.stdout)

    def exec(self, name: str, *arguments: str) -> str:
        """Run a command in a pod; return what it prints."""
        return run(["docker", "exec", self.container(name), *arguments]).stdout

    def probe(self, name: str, kind: str) -> bool:
        """Tell whether a probe of a pod passes."""
        words = [str(word) for word in self._pods[name].container[kind]["exec"]["command"]]
        return not run(["docker", "exec", self.container(name), *words], check=False).returncode

    def wait_ready(self, *names: str) -> None:
        """Wait until pods are ready, as long as their startup probes allow."""
        for name in names:
            startup = self._pods[name].container["startupProbe"]
            given_s = startup["periodSeconds"].seconds() * startup["failureThreshold"].seconds()
            try:
                until(partial(self.probe, name, "readinessProbe"), given_s, f"{name} ready")
            except AssertionError as error:
                logs = run(["docker", "logs", self.container(name)], check=False)
                raise AssertionError(f"{error}\n{logs.stdout}{logs.stderr}") from None

    def container(self, name: str) -> str:
        """Return the name of a pod's container."""
        return f"{self._project}-{name}"

    def remove(self) -> None:
        """Remove everything that this has made."""
        volumes = [volume for name in self._pods for _, volume in self._claims(name)]
        ours = run(["docker", "ps", "-aq", "--filter", f"label={self._project}"]).stdout.split()
        run(["docker", "rm", "-f", "-v", *ours], check=False)
        run(["docker", "volume", "rm", "-f", *volumes], check=False)
        run(["docker", "network", "rm", self._project], check=False)
        run(["docker", "image", "rm", self._image], check=False)

    def _claims(self, name: str) -> Iterator[tuple[str, str]]:
        """Yield a name for each claim of a pod, and its volume."""
        for claim in self._manifests.of("StatefulSet")[name]["spec"]["volumeClaimTemplates"]:
            key = str(claim["metadata"]["name"])
            yield f"claim-{key}", f"{self._project}-{name}-{key}"

    def _options(self, pod: Pod, container: Tree) -> list[str]:
        given, own = pod.spec["securityContext"], container["securityContext"]
        user, group = _user_and_group(pod)
        words = [f"--user={user}:{group}", f"--group-add={group}", "--no-healthcheck"]
        words += [f"--network={self._project}", f"--label={self._project}"]
        words += [f"--cap-drop={dropped}" for dropped in own["capabilities"]["drop"]]
        words += [f"--sysctl={each['name']}={each['value']}" for each in given["sysctls"]]
        words += ["--security-opt=no-new-privileges"] * (not own["allowPrivilegeEscalation"].value)
        words += ["--read-only"] * bool(own["readOnlyRootFilesystem"].value)
        words += ["--init"] * bool(pod.spec["shareProcessNamespace"].value)
        return [*words, f"--memory={container['resources']['limits']['memory']}".removesuffix("i")]

    def _mounts(self, pod: Pod) -> Iterator[tuple[str, str]]:
        claims = dict(self._claims(pod.owner))
        user, group = _user_and_group(pod)
        for mount in pod.container["volumeMounts"]:
            name, place = str(mount["name"]), str(mount["mountPath"])
            volume = pod.volumes().get(name)
            if volume is None:
                yield "-v", f"{claims[f'claim-{name}']}:{place}:nocopy"
            elif volume["configMap"]:
                yield "-v", f"{self._configuration}:{place}:ro"
            else:
                yield "--tmpfs", f"{place}:mode=1777,uid={user},gid={group}"

    def _command(self, container: Tree) -> list[str]:
        image = str(container["image"])
        entry, *rest = [str(word) for word in container["command"]] or [""]
        options = [f"--entrypoint={entry}"] if entry else []
        words = [*rest, *(str(word) for word in container["args"])]
        return [*options, self._image if image == _LOCAL else image, *words]


def _user_and_group(pod: Pod) -> tuple[str, str]:
    """Return the numbers of a pod's user and group.

    Those of PostgreSQL are its image's, which may be a stand-in for the official one.
    """
    image, given = str(pod.container["image"]), pod.spec["securityContext"]
    ours = str(given["runAsUser"]), str(given["fsGroup"])
    return ours if image == _LOCAL else _postgres_of(image)


@cache
def _postgres_of(image: str) -> tuple[str, str]:
    """Return the numbers of the user and the group `postgres` of an image."""
    asked = ["docker", "run", "--rm", "--entrypoint=sh", image, "-c"]
    user, group = run([*asked, "id -u postgres; id -g postgres"]).stdout.split()
    return user, group
