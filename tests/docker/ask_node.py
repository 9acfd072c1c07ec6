"""Runs inside a node's container, by `python -c`: asks its management API over the Unix socket.

Reads requests, a line of JSON each, `[method, path, body]`, and answers each with such a line:
`[status, body]`; status 0 when nobody answered, with the reason. Imports nothing but Python's own.
"""

import glob
import http.client
import json
import socket
import sys

_PATIENCE_S = 60


class _UnixConnection(http.client.HTTPConnection):
    def connect(self) -> None:
        (path,) = glob.glob("/var/lib/cucmsim/data/cucm-*.sock")  # noqa: PTH207  as it starts faster
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(_PATIENCE_S)
        self.sock.connect(path)


def _ask(method: str, path: str, body: object) -> tuple[int, object]:
    connection = _UnixConnection("node")
    try:
        sent = None if body is None else json.dumps(body)
        connection.request(method, path, sent, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")
    except (OSError, ValueError, http.client.HTTPException) as error:
        return 0, str(error)
    finally:
        connection.close()


for line in sys.stdin:
    print(json.dumps(_ask(*json.loads(line))), flush=True)  # noqa: T201  its answer
