"""file delete dir: a directory of TFTP with all that is in it."""

from cucmsim.store.rows import TftpFile
from tests.services.admin.conftest import Desk

FILES = ("rings/a.xml", "rings/de/b.xml", "ringsx.xml")


async def _names(desk: Desk) -> set[str | None]:
    held = (await desk.context.store.load_replica()).tftp_files
    return {name for node, name in held if node in (None, desk.context.node_name)}


async def test_a_directory_is_deleted_after_a_yes(clerk: Desk) -> None:
    async with clerk.context.store.transaction() as transaction:
        for name in FILES:
            await transaction.put_tftp_file(TftpFile(name=name, data=b"x"))
    await clerk.operations.operator().newest()
    assert "found" not in await clerk.give("file delete dir tftp rings", ["n"])
    assert set(FILES) <= await _names(clerk)
    assert await clerk.give("file delete dir tftp rings/", ["y"]) == (
        "Delete the Directory rings?\n"
        'Enter "y" followed by return to continue: y\n'
        "files: found = 2, deleted = 2\n"
    )
    assert await _names(clerk) & set(FILES) == {"ringsx.xml"}


async def test_what_is_no_directory_is_refused(clerk: Desk) -> None:
    for name in ("rings", "/", "a/../b", "ITLFile.tlv", '""'):
        assert not (await clerk.give(f"file delete dir tftp {name}", ["y"])).startswith("files")
        assert not clerk.outcome.succeeded
