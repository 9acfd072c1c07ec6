"""How commands reach a running cluster: HTTP over the Unix socket in its data directory."""

import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import httpx

from cucmsim.cluster.calls import CALL_LIMIT_HEADER, ELSEWHERE
from cucmsim.cluster.directory import management_sockets, socket_path
from cucmsim.cluster.settings import Settings
from cucmsim.errors import CommandError, UnreachableError

__all__ = ["ManagementClient", "clients_everywhere", "clients_of", "publisher_client"]

_TIMEOUT_S = 10.0
_A_PHONE_S = 0.01
_ON_THE_WAY_S = 2.0
_REFUSED = 400
_AWAY = 503


class ManagementClient:
    """Speaks to one process of a cluster. Raises UnreachableError, and CommandError if refused.

    With `node`, to the process that runs it somewhere else, by way of the one on this machine.
    """

    def __init__(self, path: Path, node: str = "") -> None:
        self.path = path
        self._node = node

    def answers(self) -> bool:
        """Tell whether a process answers; a killed one leaves its socket behind."""
        try:
            self.get("/ready")
        except UnreachableError:
            return False
        return True

    def get(self, url: str, parameters: Mapping[str, str | int] | None = None) -> object:
        """Return the answer to a GET."""
        return self._send("GET", url, parameters=parameters)

    def download(self, url: str, *, phones: int = 1) -> bytes:
        """Return the file that a GET answers, about so many phones."""
        return self._answer("GET", url, None, None, phones).content

    def upload(
        self, url: str, data: bytes, headers: Mapping[str, str], *, phones: int = 1
    ) -> object:
        """Return the answer to a POST of a file about so many phones."""
        result: object = self._answer("POST", url, data, None, phones, headers).json()
        return result

    def post(
        self, url: str, body: Mapping[str, object] | None = None, *, phones: int = 1
    ) -> object:
        """Return the answer to a POST about so many phones."""
        return self._send("POST", url, body, phones=phones)

    def patch(self, url: str, body: Mapping[str, object], *, phones: int = 1) -> object:
        """Return the answer to a PATCH about so many phones."""
        return self._send("PATCH", url, body, phones=phones)

    def delete(self, url: str, parameters: Mapping[str, str | int] | None = None) -> object:
        """Return the answer to a DELETE."""
        return self._send("DELETE", url, parameters=parameters)

    def _send(
        self,
        method: str,
        url: str,
        body: Mapping[str, object] | None = None,
        parameters: Mapping[str, str | int] | None = None,
        phones: int = 1,
    ) -> object:
        result: object = self._answer(method, url, body, parameters, phones).json()
        return result

    def _answer(
        self,
        method: str,
        url: str,
        body: Mapping[str, object] | bytes | None,
        parameters: Mapping[str, str | int] | None,
        phones: int = 1,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        self._knock()
        timeout_s = _TIMEOUT_S + phones * _A_PHONE_S
        headers = {**(headers or {}), CALL_LIMIT_HEADER: str(timeout_s)}
        where = f"{ELSEWHERE}/{self._node}{url}" if self._node else url
        transport = httpx.HTTPTransport(uds=str(self.path))
        try:
            with httpx.Client(
                transport=transport, base_url="http://cluster", timeout=timeout_s + _ON_THE_WAY_S
            ) as client:
                file, json = (body, None) if isinstance(body, bytes) else (None, body)
                answer = client.request(
                    method, where, content=file, json=json, params=parameters, headers=headers
                )
        except httpx.TransportError as error:
            raise self._unreachable(str(error) or type(error).__name__) from error
        if answer.status_code == _AWAY and self._node:
            raise UnreachableError(_detail(answer))
        if answer.status_code >= _REFUSED:
            raise CommandError(_detail(answer))
        return answer

    def _knock(self) -> None:
        """Find out whether anybody answers; httpx would leave its socket open if nobody does."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(_TIMEOUT_S)
            try:
                probe.connect(str(self.path))
            except OSError as error:
                raise self._unreachable(error.strerror or str(error)) from error

    def _unreachable(self, reason: str) -> UnreachableError:
        return UnreachableError(f"no cluster answers on {self.path}: {reason}")


def _detail(answer: httpx.Response) -> str:
    """Return the refusal as lines."""
    try:
        detail = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        return f"status {answer.status_code}"
    if isinstance(detail, list):
        return "\n".join(str(line) for line in detail)
    return str(detail)


def clients_of(settings: Settings) -> list[ManagementClient]:
    """Return a client for each process of the cluster here. Raises UnreachableError for none."""
    sockets = management_sockets(settings.cluster.data_directory)
    if not sockets:
        raise UnreachableError(
            f"no cluster runs in {settings.cluster.data_directory};"
            f" `cucmsim run {settings.path}` starts it"
        )
    return [ManagementClient(path) for path in sockets]


def clients_everywhere(settings: Settings) -> list[ManagementClient]:
    """Return a client for each process of the cluster, wherever it runs.

    Raises UnreachableError where none runs here. While the database is away the others are out of
    reach, and left out.
    """
    here = clients_of(settings)
    guide = next((client for client in here if client.answers()), here[0])
    elsewhere: object = []
    with suppress(CommandError):
        elsewhere = guide.get(ELSEWHERE)
    names = elsewhere if isinstance(elsewhere, list) else []
    beside = {client.path.stem for client in here if client.answers()}
    return [*here, *(ManagementClient(guide.path, name) for name in names if name not in beside)]


def publisher_client(settings: Settings) -> ManagementClient:
    """Return the client of the process that runs the publisher, where changes are made."""
    clients = clients_of(settings)
    data, name = settings.cluster.data_directory, settings.publisher.name
    for path in (socket_path(data, name), socket_path(data, None)):
        for client in clients:
            if client.path == path and client.answers():
                return client
    raise UnreachableError(f"the publisher, {name}, does not run in {data}")
