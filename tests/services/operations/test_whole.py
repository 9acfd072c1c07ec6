"""Every operation is whole: broken at any step it changed nothing, or all that it changes.

Each is carried out once, then again with the connection lost (SQLite) or the task cancelled
(PostgreSQL) at its first step, its second, and so on until it completes. Keys and random bytes are
the same each time, so that the rows of every table can be held against those before and those
after the whole operation.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache, partial
from itertools import count

import pytest

from cucmsim.errors import RefusedError
from cucmsim.pki.bundles import dump_key_bundle, load_trust_bundle
from cucmsim.pki.certificates import certificate_der
from cucmsim.pki.keys import generate_key
from cucmsim.pki.manufacturing import manufacturing_ca
from cucmsim.pki.profiles import Unit
from cucmsim.pki.release import Release
from cucmsim.pki.sealing import SealingKey
from cucmsim.services import certificates
from cucmsim.services.certificates import TRUST_STORES_OF, make_own_certificates
from cucmsim.services.operations import csr
from cucmsim.services.operations.activation import set_activation
from cucmsim.services.operations.bulk import (
    consolidate_certificates,
    export_certificates,
    import_certificates,
)
from cucmsim.services.operations.capforders import CapfOrder, order_capf
from cucmsim.services.operations.clockmove import advance_clock
from cucmsim.services.operations.csr import generate_csr, show_csr
from cucmsim.services.operations.ctl import delete_ctl, reset_ctl_localkey, update_ctl
from cucmsim.services.operations.defaultcas import set_default_cas
from cucmsim.services.operations.etokens import CtlClientTask, make_etoken, run_client
from cucmsim.services.operations.holdtimer import HOLD
from cucmsim.services.operations.itlreset import reset_itl_localkey, reset_itl_remotekey
from cucmsim.services.operations.missing import missing_plans, put_new
from cucmsim.services.operations.mixedmode import set_mixed_mode, set_non_secure_mode
from cucmsim.services.operations.operator import Operator
from cucmsim.services.operations.profiles import change_profile
from cucmsim.services.operations.recovery import import_recovery_file
from cucmsim.services.operations.regeneration import regenerate_certificate
from cucmsim.services.operations.rename import rename_domain, rename_host
from cucmsim.services.operations.rollback import set_rollback_parameter
from cucmsim.services.operations.securitypassword import change_security_password
from cucmsim.services.operations.stalelsc import delete_stale_lscs
from cucmsim.services.operations.tftpfiles import delete_tftp_file
from cucmsim.services.operations.trust import delete_certificate, upload_trust_certificate
from cucmsim.services.operations.upgrade import begin_upgrade, finish_upgrade, switch_version
from cucmsim.services.operations.upload import upload_certificate
from cucmsim.services.operations.versions import Sides, Version, put_sides
from cucmsim.store.rows import Device, PendingOperation, PhoneSecurityProfile, TftpFile
from cucmsim.store.store import Store
from tests.fixtures.breaking import Break, Breaker, Rows, SameEntropy, Tables, breaking
from tests.fixtures.postgres import SECURITY_PASSWORD
from tests.services.admin.conftest import Usual
from tests.services.operations.conftest import (
    OWN,
    PUBLISHER,
    SUBSCRIBER,
    Authority,
    der,
    fill,
    make_operator,
    pem,
)
from tests.services.operations.test_recovery import pair
from tests.store.conftest import FixedClock

Act = Callable[[], Awaitable[object]]
Prepare = Callable[[Operator], Awaitable[Act]]
ROOT, ROOT_FILE = Authority("Enterprise Root"), "Enterprise_Root.pem"
OTHER_PASSWORD = "another-password"


def simple(operation: Callable[[Operator], Awaitable[object]]) -> Prepare:
    """Return an operation that needs no preparation."""

    async def prepare(operator: Operator) -> Act:
        return lambda: operation(operator)

    return prepare


def regenerated(unit: Unit) -> Prepare:
    return simple(lambda operator: regenerate_certificate(operator, PUBLISHER, unit))


async def update_older_ctl(operator: Operator) -> Act:
    await set_mixed_mode(operator, PUBLISHER)
    await regenerate_certificate(operator, PUBLISHER, Unit.CALLMANAGER)
    return lambda: update_ctl(operator, PUBLISHER)


def in_mixed_mode(operation: Callable[[Operator], Awaitable[object]]) -> Prepare:
    async def prepare(operator: Operator) -> Act:
        await set_mixed_mode(operator, PUBLISHER)
        return lambda: operation(operator)

    return prepare


async def upload_chain(operator: Operator) -> Act:
    await generate_csr(operator, PUBLISHER, "tomcat")
    middle = Authority("Issuing", issuer=ROOT)
    leaf = middle.sign(await show_csr(operator, PUBLISHER, "tomcat"))
    data = pem(leaf, middle.certificate, ROOT.certificate)
    return lambda: upload_certificate(operator, PUBLISHER, "tomcat", data)


async def upload_trust(operator: Operator) -> Act:
    data = pem(ROOT.certificate, Authority("Second Root").certificate)
    return lambda: upload_trust_certificate(operator, PUBLISHER, "tomcat-trust", data)


def delete_trust(release: str) -> Prepare:
    async def prepare(operator: Operator) -> Act:
        then = replace(operator, release=Release.parse(release))
        everywhere = replace(operator, release=Release(12))
        data = pem(ROOT.certificate)
        await upload_trust_certificate(everywhere, PUBLISHER, "TVS-trust", data)
        return lambda: delete_certificate(then, PUBLISHER, "TVS-trust", ROOT_FILE)

    return prepare


async def reset_itl_with_saved_key(operator: Operator) -> Act:
    data = dump_key_bundle(pair("capf"), SECURITY_PASSWORD)
    return lambda: reset_itl_remotekey(operator, PUBLISHER, data)


async def import_saved_key(operator: Operator) -> Act:
    data = dump_key_bundle(pair("capf"), SECURITY_PASSWORD)
    return lambda: import_recovery_file(operator, PUBLISHER, data, SECURITY_PASSWORD)


async def sign_with_etokens(operator: Operator) -> Act:
    tokens = [await make_etoken(operator, number) for number in ("ADN1", "ADN2")]
    return lambda: run_client(operator, CtlClientTask.MIXED_MODE, tokens)


async def remove_shared_file(operator: Operator) -> Act:
    async with operator.store.transaction() as transaction:
        await transaction.put_tftp_file(TftpFile(name="dialrules.xml", data=b"<DIALTEMPLATE/>"))
    return lambda: delete_tftp_file(operator, PUBLISHER, "dialrules.xml")


async def secure_used_profile(operator: Operator) -> Act:
    profile = PhoneSecurityProfile(name="Floor 2")
    async with operator.store.transaction() as transaction:
        await transaction.put_profile(profile)
        for name in ("SEP001B54C25A01", "SEP001B54C25A02"):
            await transaction.put_device(
                Device(name=name, model="8861", security_profile=profile.name)
            )
    await operator.newest()
    secure = replace(profile, security_mode=3, transport=3, key_size_bits=4096)
    return lambda: change_profile(operator, secure)


async def import_bulk(operator: Operator) -> Act:
    server = Directory()
    await export_certificates(operator, server, "all")
    await consolidate_certificates(server, "all")
    return lambda: import_certificates(operator, server, "all")


def upgrading(at: str) -> Prepare:
    """Return a step of an upgrade that makes ITLRecovery anew (CSCvv13565)."""
    version = Version.parse("12.5.1.10000-22")

    async def prepare(operator: Operator) -> Act:
        await set_mixed_mode(operator, PUBLISHER)
        async with operator.store.transaction() as transaction:
            release, replica = Release.parse("11.5"), await transaction.replica()
            await put_sides(transaction, PUBLISHER, Sides(Version.of(release)))
            # none is missing: the signature of an EC key is another one each time
            plans = missing_plans(replica, PUBLISHER, release, Usual(), SameEntropy(1))
            await put_new(
                transaction,
                await make_own_certificates(plans, clock=operator.clock, entropy=SameEntropy(1)),
            )
        if at != "begin":
            await begin_upgrade(operator, PUBLISHER, version, switches=at == "finish")
        if at == "switch":
            await finish_upgrade(operator, PUBLISHER)
        return {
            "begin": lambda: begin_upgrade(operator, PUBLISHER, version),
            "finish": lambda: finish_upgrade(operator, PUBLISHER),
            "switch": lambda: switch_version(operator, PUBLISHER),
        }[at]

    return prepare


OPERATIONS: Mapping[str, Prepare] = {
    "regenerate CallManager": regenerated(Unit.CALLMANAGER),
    "regenerate CAPF": regenerated(Unit.CAPF),
    "regenerate ITLRecovery": regenerated(Unit.ITLRECOVERY),
    "generate a CSR": simple(lambda operator: generate_csr(operator, PUBLISHER, "tomcat")),
    "upload a chain": upload_chain,
    "upload trust certificates": upload_trust,
    "delete a trust certificate everywhere": delete_trust("12.5"),
    "delete a trust certificate on a node": delete_trust("9.1"),
    "set mixed mode": simple(lambda operator: set_mixed_mode(operator, PUBLISHER)),
    "set non-secure mode": in_mixed_mode(lambda one: set_non_secure_mode(one, PUBLISHER)),
    "update the CTL": update_older_ctl,
    "reset the CTL": in_mixed_mode(lambda operator: reset_ctl_localkey(operator, PUBLISHER)),
    "delete the CTL": in_mixed_mode(lambda operator: delete_ctl(operator, SUBSCRIBER)),
    "sign a CTL with eTokens": sign_with_etokens,
    "reset the ITL": simple(lambda operator: reset_itl_localkey(operator, PUBLISHER)),
    "reset the ITL with a saved key": reset_itl_with_saved_key,
    "import a saved key": import_saved_key,
    "change the security password": simple(
        lambda one: change_security_password(one, PUBLISHER, SECURITY_PASSWORD, OTHER_PASSWORD)
    ),
    "prepare for rollback": simple(lambda one: set_rollback_parameter(one, prepared=True)),
    "import bulk certificates": import_bulk,
    "rename a host": simple(lambda operator: rename_host(operator, PUBLISHER, "cucm-new")),
    "rename a domain": simple(lambda operator: rename_domain(operator, PUBLISHER, "new.local")),
    "delete stale LSCs": simple(delete_stale_lscs),
    "disable default CAs": simple(
        lambda operator: set_default_cas(operator, PUBLISHER, None, is_enabled=False),
    ),
    "deactivate a service": simple(
        lambda one: set_activation(one, SUBSCRIBER, "Cisco Tftp", is_activated=False)
    ),
    "delete a file of TFTP": remove_shared_file,
    "begin an upgrade": upgrading("begin"),
    "finish an upgrade and switch": upgrading("finish"),
    "switch the version": upgrading("switch"),
    "order a CAPF operation": simple(
        lambda one: order_capf(one, ["SEP001B54C25A01"], CapfOrder(PendingOperation.INSTALL))
    ),
    "change a security profile": secure_used_profile,
    "move the clock": simple(lambda operator: advance_clock(operator, HOLD)),
}


@dataclass
class Directory:
    """A directory of an SFTP server; every file written is a step of `breaker`."""

    files: dict[str, bytes] = field(default_factory=dict)
    breaker: Breaker = field(default_factory=lambda: Breaker(Break.LOST, 0))

    async def list_files(self) -> Sequence[str]:
        await self.breaker.step()
        return list(self.files)

    async def read_file(self, name: str) -> bytes:
        await self.breaker.step()
        return self.files[name]

    async def write_file(self, name: str, data: bytes) -> None:
        await self.breaker.step()
        self.files[name] = data

    async def remove_file(self, name: str) -> None:
        await self.breaker.step()
        del self.files[name]

    @property
    def certificates(self) -> Mapping[str, Sequence[tuple[str, bytes]]]:
        """What is in the files, whose salts differ each time."""
        return {
            name: [(one, certificate_der(held)) for one, held in load_trust_bundle(data)]
            for name, data in self.files.items()
        }


@dataclass
class Stage:
    """A store that an operation is tried on again and again; `rows` are those before."""

    operator: Operator
    entropy: SameEntropy
    tables: Tables
    act: Act
    rows: Rows
    kind: Break

    async def begin(self) -> None:
        """Have everything as it was before."""
        self.entropy.reset()
        await self.tables.write(self.rows)

    async def broken(self, breaker: Breaker) -> BaseException | None:
        """Carry the operation out, broken."""
        self.entropy.reset()
        with breaking(breaker):
            return await breaker.run(self.act())


@pytest.fixture(autouse=True)
def same_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every key of a kind be the same, made once, and sealed with the same nonce."""
    made, seal = cache(generate_key), SealingKey.seal

    def sealed(key: SealingKey, secret: bytes, _entropy: object, associated: bytes = b"") -> bytes:
        return seal(key, secret, SameEntropy(2), associated)

    for module in (certificates, csr):
        monkeypatch.setattr(module, "key_job", lambda spec, _entropy: partial(made, spec))
    monkeypatch.setattr(SealingKey, "seal", sealed)


async def furnish(store: Store) -> None:
    """Write two nodes whose certificates are trusted, default CAs, and a phone with a stale LSC."""
    await fill(store)
    async with store.transaction() as transaction:
        for _, unit, name in OWN:
            for trust_store in TRUST_STORES_OF[Unit(unit)]:
                await transaction.put_trust_certificate(trust_store, der(name))
        for trust_store in ("CAPF-trust", "CallManager-trust"):
            ours = certificate_der(manufacturing_ca().certificate)
            await transaction.put_trust_certificate(trust_store, ours)
        lsc = certificate_der(ROOT.certificate)
        await transaction.put_device(Device(name="SEP001B54C25A01", model="8861", lsc_der=lsc))


@pytest.mark.timeout(300)
def test_an_operation_broken_at_any_step_changed_nothing_or_all(
    store_url: str, clock: FixedClock, subtests: pytest.Subtests
) -> None:
    asyncio.run(check_all(store_url, clock, subtests))


async def check_all(store_url: str, clock: FixedClock, subtests: pytest.Subtests) -> None:
    """Try every operation on one store."""
    entropy, tables = SameEntropy(1), Tables(store_url)
    kind = Break.LOST if store_url.startswith("sqlite") else Break.CANCELLED
    async with Store.open(
        store_url, security_password=SECURITY_PASSWORD, clock=clock, entropy=entropy
    ) as store:
        await furnish(store)
        operator = replace(
            make_operator(store, clock),
            certificates=Usual(),
            entropy=entropy,
            security_password=SECURITY_PASSWORD,
        )
        furnished = await tables.read()
        for name, prepare in OPERATIONS.items():
            with subtests.test(name):
                await tables.write(furnished)
                act = await prepare(operator)
                rows = await tables.read()
                await check(Stage(operator, entropy, tables, act, rows, kind))
    await tables.close()


async def check(stage: Stage) -> None:
    """Carry out an operation whole, then broken at each step."""
    await stage.begin()
    await stage.act()
    after = await stage.tables.read()
    assert after != stage.rows
    await stage.begin()
    for at in count(1):
        breaker = Breaker(stage.kind, at)
        fault = await stage.broken(breaker)
        found = await stage.tables.read()
        if not breaker.has_broken:
            assert (fault, found == after) == (None, True)
            break
        assert isinstance(fault, stage.kind.fault), repr(fault)
        assert found in (stage.rows, after), f"half done at step {at}"
        if found == after:
            await said_again(stage)
    assert at > 2


async def said_again(stage: Stage) -> None:
    """Repeat what was done although it was broken: it is done again, or refused as done."""
    stage.entropy.reset()
    with suppress(RefusedError):
        await stage.act()
    await stage.operator.newest()
    await stage.begin()


async def test_a_bulk_exchange_broken_at_any_file_is_completed_by_the_next(
    operator: Operator,
) -> None:
    whole = Directory()
    await exchange(operator, whole)
    for at in count(1):
        breaker = Breaker(Break.LOST, at)
        server = Directory(breaker=breaker)
        await breaker.run(exchange(operator, server))
        if not breaker.has_broken:
            break
        await exchange(operator, server)
        assert server.certificates == whole.certificates
    assert at > len(whole.files)


async def exchange(operator: Operator, server: Directory) -> None:
    """Export and consolidate."""
    await export_certificates(operator, server, "all")
    await consolidate_certificates(server, "all")
