"""The part of the management API that shows certificates: nodes' own, and the trust stores."""

from collections.abc import Callable

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict

from cucmsim.pki.certificates import certificate_pem, load_certificate
from cucmsim.store.replica import Replica
from cucmsim.store.rows import StoredCertificate

__all__ = ["CertificateReport", "add_certificates"]


class CertificateReport(BaseModel):
    """A certificate; `node` is "" in a trust store, `hash` SHA-256 of the DER in hexadecimal."""

    model_config = ConfigDict(frozen=True)

    store: str
    node: str
    subject: str
    serial: str
    hash: str
    pem: str

    @classmethod
    def of(cls, store: str, node: str, held: StoredCertificate) -> "CertificateReport":
        """Return what is shown of a certificate."""
        certificate = load_certificate(held.certificate_der)
        return cls(
            store=store,
            node=node,
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
        return [CertificateReport.of(unit, node, one) for (node, unit), one in held.items()]

    @app.get("/certificates/{store}")
    async def of_store(store: str) -> list[CertificateReport]:
        return [CertificateReport.of(store, "", one) for one in replica().in_store(store)]
