"""How names and serial numbers are written in trust lists, signed files and TVS messages.

Phones compare the bytes of a name, not what it means, so every place that writes one uses
`subject_text` and `issuer_text`. They give CN, OU, O, L, ST, C in this order whatever the order in
the certificate, joined by `;` without blanks, then everything else (formats.md section 1).
Names of eTokens are lower case, quoted and cut at the comma of `Cisco Systems, Inc.` (seed 001).
The database holds another text, RFC 2253 in the certificate's own order (cucm.md 2.1).
"""

from cryptography import x509
from cryptography.x509.oid import NameOID

__all__ = [
    "decode_text",
    "display_serial",
    "encode_text",
    "escape_controls",
    "format_etoken_name",
    "format_name",
    "is_etoken",
    "issuer_text",
    "rfc2253_name",
    "serial_bytes",
    "subject_text",
]

_ORDER = (
    NameOID.COMMON_NAME,
    NameOID.ORGANIZATIONAL_UNIT_NAME,
    NameOID.ORGANIZATION_NAME,
    NameOID.LOCALITY_NAME,
    NameOID.STATE_OR_PROVINCE_NAME,
    NameOID.COUNTRY_NAME,
)


def format_name(name: x509.Name) -> str:
    """Return `name` as `CN=cucm-1051-a-pub;OU=TAC;O=Cisco;L=Krakow;ST=Malopolska;C=PL`."""
    listed = [attribute for oid in _ORDER for attribute in name.get_attributes_for_oid(oid)]
    others = [attribute for attribute in name if attribute.oid not in _ORDER]
    return ";".join(
        f"{attribute.rfc4514_attribute_name}={_value_text(attribute)}"
        for attribute in (*listed, *others)
    )


def format_etoken_name(name: x509.Name) -> str:
    """Return `name` as the CTL client writes an eToken's: `cn="SAST-… ";ou=IPCBU;o="Cisco Systems`.

    Types are lower case, values with a comma or blanks at an end are quoted, and of what commas
    separate only the pieces with a `=` are kept, which cuts `"Cisco Systems, Inc."` (seed 001).
    """
    listed = [attribute for oid in _ORDER for attribute in name.get_attributes_for_oid(oid)]
    quoted = ",".join(
        f"{attribute.rfc4514_attribute_name.lower()}={_quoted(_value_text(attribute))}"
        for attribute in listed
    )
    return ";".join(piece for piece in quoted.split(",") if "=" in piece)


def is_etoken(certificate: x509.Certificate) -> bool:
    """Tell whether a certificate is an eToken's: its common name starts with `SAST-`."""
    return format_etoken_name(certificate.subject).startswith(('cn="SAST-', "cn=SAST-"))


def subject_text(certificate: x509.Certificate) -> str:
    """Return the subject as trust lists write it, an eToken's in its own way."""
    write = format_etoken_name if is_etoken(certificate) else format_name
    return write(certificate.subject)


def issuer_text(certificate: x509.Certificate) -> str:
    """Return the issuer as trust lists write it, an eToken's in its own way."""
    write = format_etoken_name if is_etoken(certificate) else format_name
    return write(certificate.issuer)


def rfc2253_name(name: x509.Name) -> str:
    """Return `name` as the database holds it: `L=Krakow,ST=Malopolska,CN=CUCM9X,OU=TAC,…`."""
    return name.rfc4514_string()


def encode_text(text: str) -> bytes:
    """Return `text` in UTF-8 with the NUL that ends every text element."""
    return text.encode() + b"\0"


def decode_text(value: bytes) -> str:
    r"""Return the text of an element without its NUL; what is no UTF-8 becomes `\xNN`."""
    return value.removesuffix(b"\0").decode(errors="backslashreplace")


def escape_controls(text: str) -> str:
    r"""Return `text` fit for one line: what cannot be printed becomes an escape such as `\n`."""
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text
    )


def serial_bytes(certificate: x509.Certificate) -> bytes:
    """Return the serial number's unsigned magnitude, big-endian, with no sign byte."""
    serial = abs(certificate.serial_number)
    return serial.to_bytes(max(1, (serial.bit_length() + 7) // 8))


def display_serial(serial: bytes) -> str:
    """Return `serial` as listings show it: `83:E9:08:00:00:00:55:45:AF:31`."""
    return serial.hex(":").upper()


def _value_text(attribute: x509.NameAttribute[str | bytes]) -> str:
    value = attribute.value
    return value if isinstance(value, str) else value.hex()


def _quoted(value: str) -> str:
    return f'"{value}"' if "," in value or value != value.strip() else value
