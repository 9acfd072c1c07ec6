"""What commands make of answers: yes or no, and the account at an SFTP server.

A command asks in its own body, since only there an answer arrives:

    given = {}
    for name, question in SFTP_QUESTIONS:
        given[name] = yield question
    account = sftp_account(given, directory)

Source: seed 003, lines 526 to 550.
"""

from collections.abc import Mapping

from cucmsim.errors import RefusedError
from cucmsim.protocols.admin_editor import Echo
from cucmsim.protocols.admin_events import Question
from cucmsim.services.sftp import HostKey, SftpAccount

__all__ = [
    "DIRECTORY_QUESTION",
    "SFTP_QUESTIONS",
    "authenticity",
    "is_yes",
    "refuse_host_key",
    "server_and_port",
    "sftp_account",
]

SFTP_QUESTIONS = (
    ("host", Question("SFTP server IP: ")),
    ("port", Question("SFTP server port [22]: ")),
    ("user", Question("User ID: ")),
    ("password", Question("Password: ", echo=Echo.STARS)),
)
DIRECTORY_QUESTION = Question("\nDownload directory: ")

_SSH_PORT = "22"
_HIGHEST_PORT = 65535


def is_yes(answer: str) -> bool:
    """Tell whether an answer is yes; everything else is no."""
    return answer.strip().lower() in ("y", "yes")


def server_and_port(text: str) -> tuple[str, str]:
    """Split "host:port"; without a port, or for an IPv6 address, the port is empty."""
    host, colon, port = text.strip().rpartition(":")
    return (host, port) if colon and ":" not in host else (text.strip(), "")


def sftp_account(given: Mapping[str, str], directory: str) -> SftpAccount:
    """Return the account that was given. Raises RefusedError for one that cannot be."""
    host, user = given["host"].strip(), given["user"].strip()
    port = given["port"].strip() or _SSH_PORT
    is_number = port.isascii() and port.isdigit() and len(port) <= len(str(_HIGHEST_PORT))
    if not is_number or not 1 <= int(port) <= _HIGHEST_PORT:
        raise RefusedError(
            f"Enter valid values for the port. \nSuggested values are 1 to {_HIGHEST_PORT}"
        )
    if not host or not user:
        raise RefusedError(f"The {'User ID' if host else 'SFTP server IP'} must not be empty.")
    return SftpAccount(host, user, given["password"], directory.strip(), int(port))


def authenticity(host: str, key: HostKey) -> Question:
    """Return the question about a server that nobody knows yet."""
    return Question(
        f"\nThe authenticity of host '{host} ({key.address})' can't be established.\n"
        f"{key.kind} key fingerprint is {key.fingerprint}.\n"
        "Are you sure you want to continue connecting (yes/no)? "
    )


def refuse_host_key(answer: str) -> None:
    """Raise RefusedError unless the server's key was accepted."""
    if not is_yes(answer):
        raise RefusedError("Host key verification failed.")
