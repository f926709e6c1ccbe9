"""Verification finds every change: in the database, in an exported folder, and against a held checkpoint."""

import base64
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import event, text

from limited_use.log.checkpoint import NoteRefused, open_checkpoint
from limited_use.log.database_store import read_head
from limited_use.log.export import NothingSigned, export_kit
from limited_use.log.kit import verify as kit
from limited_use.log.record import integrate, receipt_of
from limited_use.log.signer import signer_from_bytes
from limited_use.log.sources import DatabaseSource, FolderSource
from limited_use.log.tree import root_of
from limited_use.log.verify import verify


def note_of(runtime) -> bytes:
    with runtime.sessions() as session:
        return read_head(session).note


def execute(runtime, *statements: str) -> None:
    with runtime.begin() as work:
        for statement in statements:
            work.session.execute(text(statement))


@pytest.fixture
def receipt(signed_log) -> bytes:
    with signed_log.sessions() as session:
        return receipt_of(session, session.scalar(text("SELECT id FROM log_leaves WHERE index = 499")))


@pytest.fixture
def folder(signed_log, signer, tmp_path) -> Path:
    export_kit(signed_log.sessions, signer.verifier, tmp_path / "kit")
    return tmp_path / "kit"


def test_an_untouched_log_holds(signed_log, signer) -> None:
    report = verify(DatabaseSource(signed_log.sessions, signer.verifier))
    assert (report.fault, report.verified) == (None, True)
    assert (report.size, report.leaves, report.checkpoints, report.pending) == (700, 700, 4, 0)
    assert report.origin == "crm.example/log"
    assert report.root == open_checkpoint(note_of(signed_log), signer.verifier).root.hex()


def test_what_is_added_while_it_is_looked_at_is_no_fault(signed_log, signer, write_leaves) -> None:
    source, grown = DatabaseSource(signed_log.sessions, signer.verifier), []

    def grow(_connection, _cursor, statement: str, *_) -> None:
        if "log_checkpoints" in statement and not grown:
            grown.append(statement)
            write_leaves(300, 700)
            integrate(signed_log.sessions, signer, signed_log.clock)

    engine = signed_log.sessions.kw["bind"]
    event.listen(engine, "after_cursor_execute", grow)
    try:
        assert list(source.strays()) == []
    finally:
        event.remove(engine, "after_cursor_execute", grow)
    assert grown
    assert verify(source).size == 1000


def test_leaves_that_wait_for_their_index_are_counted_and_do_no_harm(signed_log, signer, write_leaves) -> None:
    write_leaves(3)
    report = verify(DatabaseSource(signed_log.sessions, signer.verifier))
    assert (report.verified, report.size, report.pending) == (True, 700, 3)


def test_a_log_without_a_head_does_not_hold(runtime, signer) -> None:
    report = verify(DatabaseSource(runtime.sessions, signer.verifier))
    assert report.fault is not None
    assert "no checkpoint" in report.fault
    assert (report.size, report.root) == (0, "")


def test_the_empty_log_holds(runtime, signer) -> None:
    integrate(runtime.sessions, signer, runtime.clock)
    report = verify(DatabaseSource(runtime.sessions, signer.verifier))
    assert (report.verified, report.size) == (True, 0)


TO_EXPORT = "body = convert_to(replace(convert_from(body, 'UTF8'), '\"browser\"', '\"export\"'), 'UTF8')"
COPY = "SELECT {}, body, at, decision, kind, opened, withheld FROM log_leaves WHERE index = 0"
INTO = "INSERT INTO log_leaves (index, body, at, decision, kind, opened, withheld) "


def changed(table: str, what: str, where: str) -> str:
    return f"UPDATE {table} SET {what} WHERE {where}"  # noqa: S608 -- statements of this file alone


def flipped(column: str, at: int) -> str:
    return f"{column} = set_byte({column}, {at}, (get_byte({column}, {at}) + 1) % 256)"


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (changed("log_leaves", TO_EXPORT, "index = 417"), "columns beside leaf 417 "),
        (changed("log_leaves", f"{TO_EXPORT}, sink = 'export'", "index = 417"), "Tile 1 of level 0"),
        (
            changed("log_leaves", f"{TO_EXPORT}, sink = 'export'", "index = 617"),
            "checkpoint of 700 leaves does not fit",
        ),
        (changed("log_leaves", f"{TO_EXPORT}, sink = 'export'", "index = 17"), "checkpoint of 100 leaves does not fit"),
        (changed("log_leaves", r"body = body || '\x20'", "index = 300"), "Leaf 300 is not a canonical leaf"),
        (changed("log_leaves", "body = 'Lunch on Friday?'", "index = 3"), "Leaf 3 is not a canonical leaf"),
        (changed("log_leaves", "body = repeat('x', 70000)::bytea", "index = 3"), "Leaf 3 is not a canonical leaf"),
        ("DELETE FROM log_leaves WHERE index = 20", "checkpoint of 100 leaves does not fit"),
        ("DELETE FROM log_leaves WHERE index = 699", "Leaf 699 is missing"),
        ("DELETE FROM log_leaves WHERE index BETWEEN 256 AND 511", "Leaf 256 is missing"),
        ("DELETE FROM log_leaves", "Leaf 0 is missing"),
        (changed("log_leaves", "index = NULL", "index = 699"), "Leaf 699 is missing"),
        (changed("log_leaves", "sink = 'export'", "index = 5"), "columns beside leaf 5 "),
        (changed("log_leaves", "at = at + interval '1 ms'", "index = 600"), "columns beside leaf 600 "),
        (changed("log_leaves", "feature = NULL", "index = 0"), "columns beside leaf 0 "),
        (changed("log_leaves", "withheld = 1", "index = 1"), "columns beside leaf 1 "),
        (INTO + COPY.format(700), "past the signed head"),
        (INTO + COPY.format(-1), "before the beginning"),
        (changed("log_tiles", flipped("data", 40), "level = 0 AND index = 1"), "Tile 1 of level 0"),
        (changed("log_tiles", flipped("data", 4), "level = 0 AND index = 2"), "Tile 2 of level 0"),
        (changed("log_tiles", flipped("data", 4), "level = 1"), "Tile 0 of level 1"),
        ("DELETE FROM log_tiles WHERE level = 0 AND index = 0", "Tile 0 of level 0"),
        ("INSERT INTO log_tiles SELECT 5, 0, width, data FROM log_tiles WHERE level = 1", "do not belong to the tree"),
        (changed("log_checkpoints", flipped("note", 3), "size = 400"), "checkpoint of 400 leaves does not hold"),
        (changed("log_checkpoints", flipped("root", 3), "size = 400"), "another size or root"),
        (changed("log_checkpoints", "size = 399", "size = 400"), "another size or root"),
        (
            changed("log_checkpoints", "note = (SELECT note FROM log_checkpoints WHERE size = 100)", "size = 400"),
            "another size or root",
        ),
        ("DELETE FROM log_checkpoints WHERE size = 700", "past the signed head"),
        ("DELETE FROM log_checkpoints", "no checkpoint"),
    ],
)
def test_every_change_in_the_database_is_found(signed_log, signer, damage: str, told: str) -> None:
    execute(signed_log, damage)
    report = verify(DatabaseSource(signed_log.sessions, signer.verifier))
    assert report.fault is not None
    assert not report.verified
    assert told in report.fault


def test_two_leaves_that_changed_places_are_found(signed_log, signer) -> None:
    execute(
        signed_log,
        "UPDATE log_leaves SET index = 100000 WHERE index = 10",
        "UPDATE log_leaves SET index = 10 WHERE index = 11",
        "UPDATE log_leaves SET index = 11 WHERE index = 100000",
    )
    report = verify(DatabaseSource(signed_log.sessions, signer.verifier))
    assert report.fault == (
        "The checkpoint of 100 leaves does not fit the leaves: one of them was changed, moved, added or removed."
    )


def test_a_log_signed_by_another_key_does_not_hold(signed_log, signer) -> None:
    other = signer_from_bytes(signer.origin, b"o" * 32)
    report = verify(DatabaseSource(signed_log.sessions, other.verifier))
    assert report.fault is not None
    assert "not signed by the key" in report.fault


def test_a_log_cut_back_to_an_older_head_is_found_by_who_held_the_newer(signed_log, signer) -> None:
    newer = note_of(signed_log)
    execute(
        signed_log,
        "DELETE FROM log_leaves WHERE index >= 400",
        "DELETE FROM log_checkpoints WHERE size = 700",
        "DELETE FROM log_tiles WHERE level = 0 AND index = 2",
        "UPDATE log_tiles SET width = 144, data = substring(data FROM 1 FOR 4608) WHERE level = 0 AND index = 1",
        "UPDATE log_tiles SET width = 1, data = substring(data FROM 1 FOR 32) WHERE level = 1",
    )
    source = DatabaseSource(signed_log.sessions, signer.verifier)
    assert verify(source).verified
    report = verify(source, held=[newer])
    assert report.fault is not None
    assert "cut back" in report.fault


def test_a_log_rewritten_with_its_key_is_found_by_who_held_an_older_head(signed_log, signer, write_leaves) -> None:
    held = note_of(signed_log)
    execute(signed_log, "TRUNCATE log_leaves, log_details, log_tiles, log_checkpoints RESTART IDENTITY")
    write_leaves(700, first=1)
    integrate(signed_log.sessions, signer, signed_log.clock)
    source = DatabaseSource(signed_log.sessions, signer.verifier)
    assert verify(source).verified
    report = verify(source, held=[held])
    assert report.fault is not None
    assert "checkpoint of 700 leaves does not fit" in report.fault


def test_held_checkpoints_may_come_in_any_order(signed_log, signer) -> None:
    source = DatabaseSource(signed_log.sessions, signer.verifier)
    notes = [kept.note for kept in source.heads(700)]
    assert len(notes) > 2
    for held in (notes, notes[::-1], [notes[1], notes[0], notes[0]]):
        assert verify(source, held=held).fault is None


def test_a_log_that_grew_continues_every_held_head(signed_log, signer, write_leaves) -> None:
    held = note_of(signed_log)
    write_leaves(5)
    integrate(signed_log.sessions, signer, signed_log.clock)
    assert verify(DatabaseSource(signed_log.sessions, signer.verifier), held=[held]).verified
    forged = signer_from_bytes(signer.origin, b"o" * 32).sign(700, root_of([]))
    report = verify(DatabaseSource(signed_log.sessions, signer.verifier), held=[forged])
    assert report.fault is not None
    assert "A checkpoint that you hold does not hold" in report.fault


# --- folders


def test_an_exported_folder_holds_and_names_every_file_of_the_format(folder, signer) -> None:
    report = verify(FolderSource(folder, signer.verifier))
    assert (report.fault, report.size, report.checkpoints) == (None, 700, 4)
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == {
        *("checkpoint", "vkey", "history.jsonl", "FORMAT.md", "verify.py"),
        *("tile/0/000", "tile/0/001", "tile/0/002.p/188", "tile/1/000.p/2"),
        *("tile/entries/000", "tile/entries/001", "tile/entries/002.p/188"),
    }
    assert (folder / "vkey").read_text() == signer.vkey + "\n"


def test_a_log_without_a_head_is_not_exported(runtime, signer, tmp_path) -> None:
    with pytest.raises(NothingSigned):
        export_kit(runtime.sessions, signer.verifier, tmp_path / "kit")
    assert not (tmp_path / "kit").exists()


@pytest.mark.parametrize("lost", ["DELETE FROM log_leaves WHERE index = 3", "DELETE FROM log_tiles WHERE level = 1"])
def test_an_incomplete_log_is_not_exported(signed_log, signer, tmp_path, lost: str) -> None:
    execute(signed_log, lost)
    with pytest.raises(NothingSigned):
        export_kit(signed_log.sessions, signer.verifier, tmp_path / "kit")
    assert not (tmp_path / "kit" / "checkpoint").exists()


def test_a_log_is_not_exported_under_another_key(signed_log, signer, tmp_path) -> None:
    with pytest.raises(NoteRefused):
        export_kit(signed_log.sessions, signer_from_bytes(signer.origin, b"o" * 32).verifier, tmp_path / "kit")


def run_script(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-I", str(folder / "verify.py"), str(folder), *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )


def test_the_script_in_the_folder_verifies_it_alone(receipt, folder, signer, tmp_path) -> None:
    held = tmp_path / "held"
    shutil.copy(folder / "checkpoint", held)
    (tmp_path / "mine.tlog-proof").write_bytes(receipt)
    ran = run_script(folder, "--vkey", signer.vkey, "--held", str(held), "--receipt", str(tmp_path / "mine.tlog-proof"))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "The log holds: 700 leaves" in ran.stdout
    assert "mine.tlog-proof holds: {" in ran.stdout


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("name", ["checkpoint", "vkey", "tile/entries/001", "tile/entries/002.p/188", "history.jsonl"])
def test_any_flipped_byte_of_a_folder_is_found_by_us_and_by_the_script(folder, name: str) -> None:
    size = (folder / name).stat().st_size
    whole = (folder / name).read_bytes()
    for at in (0, size // 2, size - 2):
        flip(folder / name, at)
        assert kit.main([str(folder)]) == 1, at
        try:
            assert not verify(FolderSource(folder)).verified
        except (NoteRefused, ValueError):
            assert name == "vkey"
        (folder / name).write_bytes(whole)
    assert kit.main([str(folder)]) == 0


@pytest.mark.parametrize("name", ["tile/0/000", "tile/0/002.p/188", "tile/1/000.p/2"])
def test_any_flipped_byte_of_a_tile_is_found(folder, signer, name: str) -> None:
    flip(folder / name, 33)
    report = verify(FolderSource(folder, signer.verifier))
    assert report.fault is not None
    assert report.fault.startswith("Tile ")


def test_an_older_checkpoint_put_in_place_of_the_newest_is_found(folder, signer) -> None:
    older = json.loads((folder / "history.jsonl").read_text().splitlines()[2])
    (folder / "checkpoint").write_bytes(base64.b64decode(older["note"]))
    assert kit.main([str(folder)]) == 1
    report = verify(FolderSource(folder, signer.verifier))
    assert report.fault is not None


def test_a_folder_without_its_history_is_held_to_its_head(folder, signer) -> None:
    (folder / "history.jsonl").unlink()
    report = verify(FolderSource(folder, signer.verifier))
    assert (report.fault, report.size, report.leaves) == (None, 700, 700)
    assert run_script(folder).returncode == 0
    (folder / "checkpoint").write_bytes(signer.sign(700, bytes(32)))
    report = verify(FolderSource(folder, signer.verifier))
    assert report.fault is not None
    assert "does not fit" in report.fault
    assert run_script(folder).returncode != 0, "nor does it for somebody else's eyes"


@pytest.mark.parametrize("cut", [1, 100])
def test_a_bundle_cut_short_is_found(folder, signer, cut: int) -> None:
    path = folder / "tile/entries/002.p/188"
    path.write_bytes(path.read_bytes()[:-cut])
    report = verify(FolderSource(folder, signer.verifier))
    assert report.fault == "The bundle that begins with leaf 512 is damaged."
    assert kit.main([str(folder)]) == 1


def test_the_script_refuses_what_it_should(folder, signer, tmp_path) -> None:
    other = signer_from_bytes(signer.origin, b"o" * 32)
    assert kit.main([str(folder), "--vkey", other.vkey]) == 1
    longer = tmp_path / "longer"
    longer.write_bytes(signer.sign(701, b"r" * 32))
    assert kit.main([str(folder), "--held", str(longer)]) == 1
    fork = tmp_path / "fork"
    fork.write_bytes(signer.sign(50, b"r" * 32))
    assert kit.main([str(folder), "--held", str(fork)]) == 1
    assert kit.main([str(tmp_path)]) == 1


def test_the_script_refuses_every_changed_receipt(receipt, signer) -> None:
    assert kit.verify_receipt(receipt, signer.vkey)
    for at in range(len(receipt)):
        forged = receipt[:at] + bytes([receipt[at] ^ 1]) + receipt[at + 1 :]
        with pytest.raises((kit.FaultError, kit.InvalidSignature, ValueError, IndexError)):
            kit.verify_receipt(forged, signer.vkey)
