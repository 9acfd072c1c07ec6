"""Which TLS ciphers OpenSSL knows: a list that names others is refused where it is written.

OpenSSL itself passes over names that it does not know, as long as it knows one.
"""

from OpenSSL import SSL

__all__ = ["unknown_ciphers"]

_OTHER_SEPARATORS = frozenset(", ;")
_NEW = "TLS_"
_ANY_LEVEL = "@SECLEVEL=0"


def unknown_ciphers(text: str) -> list[str]:
    """Return the parts of a list that OpenSSL does not know; all of it if it leaves no cipher.

    Names that begin with TLS_ are suites of TLS 1.3, the others ciphers of the versions before.
    """
    parts = [part for part in text.split(":") if part]
    wrong = [part for part in parts if not _is_known(part)]
    old = ":".join(part for part in parts if not part.startswith(_NEW))
    if wrong or not parts:
        return wrong or [text]
    return [text] if old and not _is_taken(old) else []


def _is_known(part: str) -> bool:
    if _OTHER_SEPARATORS & frozenset(part):
        return False
    if part.startswith(_NEW):
        return _is_suite(part)
    if part.startswith("@"):
        return _is_taken(f"ALL:{part}")
    return _is_taken(part.lstrip("!-+"))


def _is_taken(ciphers: str) -> bool:
    level = "" if "@SECLEVEL" in ciphers else f":{_ANY_LEVEL}"
    try:
        SSL.Context(SSL.TLS_SERVER_METHOD).set_cipher_list(f"{ciphers}{level}".encode())
    except SSL.Error:
        return False
    return True


def _is_suite(name: str) -> bool:
    try:
        SSL.Context(SSL.TLS_SERVER_METHOD).set_tls13_ciphersuites(name.encode())
    except SSL.Error:
        return False
    return True
