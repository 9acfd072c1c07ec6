"""Judges what phones decided, by the documents and by what is known of the cluster.

Nothing of cucmsim is imported here: signatures are checked anew, signers are looked for in the list
that the phone held, and what TVS should have said is worked out from what the database held then.
A decision is wrong when a phone took what it had no reason to take, or refused what the documents
have it take. A refusal that the documents demand is counted as such. Sources: phone.md 2.1 to 2.4;
cucm.md 5.3 for what a regeneration does to trust lists that phones hold.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from .trustfiles import SignedFile, TrustRecord, read_records, read_signed
from .truth import CALLMANAGER, PAGES, SLOW, TVS, KnownCertificate, Truth

__all__ = ["Finding", "Judge"]

_SIGNING_ROLES: Final = frozenset((0, 2, 3))
_TVS_ROLE: Final = 21
_TRUSTED: Final = 0
_MARGIN_S: Final = 0.5
Fact = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must not be: when, of which kind, and what was found."""

    at: float
    kind: str
    text: str


@dataclass
class Judge:
    """Judges facts of the fleet; `files` are the files told so far by SHA-256."""

    truth: Truth
    node_at: Mapping[str, str]
    """Node by name and by address."""
    files: dict[str, bytes] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    _configured: set[str] = field(default_factory=set)
    """Phones that have taken a configuration, which names TVS servers."""
    _lists: dict[str, list[TrustRecord]] = field(default_factory=dict)

    # boots

    def judge_boot(self, boot: Fact) -> None:
        """Judge a boot, or a restart, from its first file to its registration."""
        self.counts["boots"] += 1
        refused = {name: reason for _, name, reason in boot["refused"]}
        accepted = {name for _, name, _, is_new in boot["accepted"] if is_new}
        held, steps = boot["held"], boot["steps"]
        for at, step in enumerate(steps):
            if step["step"] != "fetch" or not step["file"]:
                continue
            asked = _asked_after(steps, at)
            name = str(step["name"])
            if name.startswith("ITL"):
                if step["file"] != held and self._judge_file(
                    boot, step, held, asked, refused.get("ITLFile.tlv", "")
                ):
                    held = step["file"]
            elif name.endswith(".sgn"):
                plain = name.removesuffix(".sgn")
                took = plain in accepted or name in accepted
                reason = refused.get(plain, refused.get(name, ""))
                if took or reason:
                    self._judge_file(boot, step, held, asked, reason)
        if any(kind == "configuration" for kind, *_ in boot["accepted"]):
            self._configured.add(str(boot["phone"]))
        self._judge_course(boot, has_refused=bool(refused))
        for step in steps:
            if step["step"] == "capf":
                self._judge_capf(boot, step)

    def _judge_file(
        self, boot: Fact, step: Fact, held: str | None, asked: Sequence[Fact], reason: str
    ) -> bool:
        """Judge one signed file and what the phone thought of it; tell whether it took it."""
        what = f"{step['name']} from {self._node(step['server'])} to {boot['phone']}"
        self.counts["files"] += 1
        try:
            file = read_signed(self.files[step["file"]])
        except ValueError as error:
            self._find(boot, "file", f"{what}: {error}")
            return not reason
        signer = self._signer(boot, step, file, what)
        if held is None:
            self.counts["leaps of faith"] += 1
            return not reason
        is_listed = any(
            one.serial == file.serial and one.role in _SIGNING_ROLES for one in self._list(held)
        )
        if not reason:
            self._judge_acceptance(boot, what, signer, held, asked, is_listed=is_listed)
            return True
        why = "" if is_listed else self._demanded(boot, held, asked, signer, step)
        if why:
            self.counts["refusals that the documents demand"] += 1
            self.counts[f"refused: {why}"] += 1
        else:
            because = "its signer is in the list held" if is_listed else "TVS could vouch for it"
            self._find(boot, "verdict", f"{what} was refused ({reason}), though {because}")
        return False

    def _signer(
        self, boot: Fact, step: Fact, file: SignedFile, what: str
    ) -> KnownCertificate | None:
        """Return who signed a file, if it is who should have."""
        node = self._node(step["server"])
        known = [
            one
            for one in self.truth.certificates.find(CALLMANAGER, node=node)
            if one.serial == file.serial
        ]
        if not known:
            self._find(boot, "file", f"{what}: no certificate that {node} ever had signed it")
            return None
        signer = known[0]
        if not file.is_signed_by(signer.certificate.public_key()):
            self._find(boot, "file", f"{what}: the signature does not verify")
        started_with = self.truth.knowledge.version_at_tftp_start(node, step["at"])
        if signer.gone_version is not None and started_with >= signer.gone_version:
            self._find(
                boot,
                "file",
                f"{what}: signed by a certificate that was replaced in version"
                f" {signer.gone_version}, which {node} had ({started_with}) when its TFTP started",
            )
        return signer

    def _judge_acceptance(
        self,
        boot: Fact,
        what: str,
        signer: KnownCertificate | None,
        held: str,
        asked: Sequence[Fact],
        *,
        is_listed: bool,
    ) -> None:
        if is_listed:
            self.counts["trusted by the list held"] += 1
            return
        vouched = [one for one in asked if one.get("reason") == _TRUSTED]
        if not vouched:
            if asked:
                self._find(boot, "verdict", f"{what} was taken, though no TVS vouched for it")
            elif signer is not None:
                self.counts["trusted by the TVS cache"] += 1
            return
        self.counts["trusted by TVS"] += 1
        answer = vouched[-1]
        if not self._knows_tvs(held, answer["shown"]):
            self._find(boot, "verdict", f"{what} was taken by the word of a TVS it does not know")
        if signer is not None and answer.get("given") not in ("", signer.sha1):
            self._find(boot, "verdict", f"{what} was taken by an answer about somebody else")

    def _demanded(
        self,
        boot: Fact,
        held: str | None,
        asked: Sequence[Fact],
        signer: KnownCertificate | None,
        step: Fact,
    ) -> str:
        """Say why the documents have a phone refuse this, of a signer it does not hold; "": no."""
        if signer is None:
            return "signed by nobody of the cluster"  # a finding already
        ended = float(boot["ended"])
        answered = next((one for one in asked if "reason" in one), None)
        if answered is not None:
            return self._denied(answered, signer, float(step["at"]), ended)
        silent = [self._node(one["server"]) for one in asked if one["said"] == "NotReached"]
        unknown = [one for one in asked if one["said"] == "PeerRefused"]
        if any(self._knows_tvs(held, one["shown"]) and one["shown"] for one in unknown):
            return ""
        if unknown and not silent:
            return "no TVS that it knows"
        if any(self._was_up(node, float(step["at"]), ended) for node in silent):
            return ""
        if asked:
            return "no TVS in reach"
        return "" if boot["phone"] in self._configured else "no configuration that names a TVS"

    def _denied(self, answer: Fact, signer: KnownCertificate, began: float, ended: float) -> str:
        """Say why a TVS may have denied a signer; "": it knew it."""
        node = self._node(answer["server"])
        if signer.gone_version is not None:
            return "the signer was replaced"
        if self.truth.knowledge.version(node, began) < signer.seen_version:
            return "TVS had not heard of the signer"
        return "" if signer.last_at >= ended else "the signer was being replaced"

    def _judge_course(self, boot: Fact, *, has_refused: bool) -> None:
        """Judge whether the phone got anywhere, where it must have been able to."""
        began, ended = float(boot["began"]), float(boot["ended"])
        servers = [self._node(one) for one in boot["servers"]]
        up = [node for node in servers if self._was_up(node, began, ended)]
        kinds = {kind for kind, *_ in boot["accepted"]}
        self.counts["boots with a server up all the time"] += bool(up)
        is_lossy = boot["lossy"] and not self.truth.availability.was_up("link", began, ended)
        if up and not is_lossy and not has_refused and "configuration" not in kinds:
            self._find(
                boot,
                "boot",
                f"{boot['phone']} got no configuration, with {', '.join(up)} up all the time",
            )
        self.counts["registered" if boot["registered"] else "not registered"] += 1
        for step in boot["steps"]:
            if step["step"] == "register" and step["said"] != "Registered":
                self._judge_unregistered(boot, step)

    def _judge_unregistered(self, boot: Fact, step: Fact) -> None:
        members = [self._node(one) for one in step["members"]]
        up = [node for node in members if self._was_up(node, float(step["at"]), boot["ended"])]
        if up:
            self._find(
                boot,
                "registration",
                f"{boot['phone']} did not register ({step['said']}: {step.get('why', '')}),"
                f" with {', '.join(up)} up all the time",
            )

    def _judge_capf(self, boot: Fact, step: Fact) -> None:
        node = self._node(step["server"])
        if step.get("lsc"):
            self.counts["enrolled"] += 1
            return
        if step.get("succeeded"):
            return
        self.counts["CAPF visits in vain"] += 1
        at, ended = float(step["at"]), float(boot["ended"])
        has_all = self._was_up(node, at, ended) and self._was_up(f"{node}/database", at, ended)
        if has_all and step["said"] != "PeerRefused":
            self._find(
                boot,
                "CAPF",
                f"{boot['phone']} did not enrol with {node}, which was up with its database:"
                f" {step['said']} {step.get('why', '')} {step.get('text', '')}",
            )

    # single certificates

    def judge_peer(self, asked: Fact) -> None:
        """Judge whether a phone was right about the certificate of a node's pages."""
        self.counts["certificates judged"] += 1
        what = f"{asked['phone']} about the pages of {asked['node']}"
        steps = [one for one in asked["steps"] if one["step"] == "tvs"]
        if asked["bogus"]:
            self.counts["bogus certificates"] += 1
            if asked["accepted"]:
                self._find(asked, "verdict", f"{what}: a bogus certificate was trusted")
            return
        certificate = self._page_certificate(asked)
        if asked["accepted"]:
            if certificate is None:
                self._find(asked, "verdict", f"{what}: trusted what the node never had")
            return
        why = (
            "shown by nobody of the cluster"
            if certificate is None
            else self._demanded(asked, asked["held"], steps, certificate, {"at": asked["began"]})
        )
        if why:
            self.counts["refusals that the documents demand"] += 1
            self.counts[f"refused: {why}"] += 1
        else:
            self._find(
                asked, "verdict", f"{what}: refused ({asked['reason']}), though TVS could vouch"
            )

    def _page_certificate(self, asked: Fact) -> KnownCertificate | None:
        data = self.files[asked["certificate"]]
        return self.truth.certificates.by_sha1(hashlib.sha1(data).hexdigest(), *PAGES)

    # helpers

    def _knows_tvs(self, held: str | None, sha1: str) -> bool:
        return held is not None and any(
            one.role == _TVS_ROLE and one.sha1.hex() == sha1 for one in self._list(held)
        )

    def knows_tvs_of(self, held: str, node: str) -> bool:
        """Tell whether a list has the TVS certificate that a node has now."""
        current = self.truth.certificates.current(node, TVS)
        return current is not None and self._knows_tvs(held, current.sha1)

    def _list(self, held: str) -> list[TrustRecord]:
        if held not in self._lists:
            self._lists[held] = read_records(self.files[held])
        return self._lists[held]

    def _was_up(self, what: str, began: float, ended: float) -> bool:
        """Tell whether something was up, and quick if it is a node, all of a time."""
        parts = (what, SLOW + what) if what in self.node_at else (what,)
        return all(
            self.truth.availability.was_up(part, began - _MARGIN_S, ended + _MARGIN_S)
            for part in parts
        )

    def _node(self, host: str) -> str:
        return self.node_at.get(host, host)

    def _find(self, fact: Fact, kind: str, text: str) -> None:
        self.findings.append(Finding(float(fact["ended"]), kind, text))


def _asked_after(steps: Sequence[Fact], at: int) -> list[Fact]:
    """Return the questions to TVS between a file and the next thing that the phone did."""
    asked: list[Fact] = []
    for step in steps[at + 1 :]:
        if step["step"] != "tvs":
            break
        asked.append(step)
    return asked
