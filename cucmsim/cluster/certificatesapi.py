"""The part of the management API that shows certificates: nodes' own, and the trust stores."""

from collections.abc import Callable

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict

from cucmsim.pki.certificates import certificate_pem, load_certificate
from cucmsim.services.mirror import trust_file_names
from cucmsim.store.replica import Replica
from cucmsim.store.rows import StoredCertificate

__all__ = ["CertificateReport", "add_certificates"]


class CertificateReport(BaseModel):
    """A certificate; `node` is "" in a trust store, `hash` SHA-256 of the DER in hexadecimal.

    `file` is the name by which the command line knows it.
    """

    model_config = ConfigDict(frozen=True)

    store: str
    node: str
    file: str
    subject: str
    serial: str
    hash: str
    pem: str

    @classmethod
    def of(cls, store: str, node: str, file: str, held: StoredCertificate) -> "CertificateReport":
        """Return what is shown of a certificate."""
        certificate = load_certificate(held.certificate_der)
        return cls(
            store=store,
            node=node,
            file=file,
            subject=held.subjectname,
            serial=held.serialnumber,
            hash=held.hash,
            pem=certificate_pem(certificate).decode(),
        )


def add_certificates(app: FastAPI, replica: Callable[[], Replica]) -> None:
    """Add the routes to `app`."""

    @app.get("/certificates")
    async def own() -> list[CertificateReport]:
        held = replica().own
        return [
            CertificateReport.of(unit, node, f"{unit}.pem", one)
            for (node, unit), one in held.items()
        ]

    @app.get("/certificates/{store}")
    async def of_store(store: str) -> list[CertificateReport]:
        held = trust_file_names(list(replica().in_store(store)))
        return [CertificateReport.of(store, "", name, one) for name, one in held.items()]
