"""The log is accepted by packages that we did not write, and refused by them once it is changed."""

import base64
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pymerkle import InmemoryTree
from sqlalchemy import func, select

from demo.verified_by_others import NotVerifiedError, verify_by_others
from limited_use.log.export import export_kit
from limited_use.log.models import LogLeaf
from limited_use.log.record import integrate, receipt_of
from limited_use.log.signer import signer_from_bytes
from limited_use.log.tree import root_of

ROOT = Path(__file__).parents[3]


@pytest.fixture
def folder(signed_log, signer, tmp_path) -> Path:
    export_kit(signed_log.sessions, signer.verifier, tmp_path / "kit")
    return tmp_path / "kit"


@pytest.fixture
def receipts(signed_log) -> list[bytes]:
    with signed_log.sessions() as session:
        first = session.scalar(select(func.min(LogLeaf.id)))
        return [receipt_of(session, first + at) for at in (0, 255, 256, 511, 512, 699)]


def test_others_accept_the_log_and_its_receipts(folder, receipts, signer) -> None:
    found = verify_by_others(folder, signer.vkey, receipts)
    assert (found.origin, found.size, found.paths) == ("crm.example/log", 700, 9)
    assert found.packages == ("securesystemslib", "pymerkle")


def test_others_accept_the_log_over_http(folder, signer) -> None:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        assert verify_by_others(f"http://127.0.0.1:{server.server_port}", signer.vkey).size == 700
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_others_accept_the_empty_log(runtime, signer, tmp_path) -> None:
    integrate(runtime.sessions, signer, runtime.clock)
    export_kit(runtime.sessions, signer.verifier, tmp_path)
    assert verify_by_others(tmp_path, signer.vkey).size == 0


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13, 64, 100])
def test_our_roots_are_those_of_pymerkle(size: int) -> None:
    tree, entries = InmemoryTree(algorithm="sha256"), [b"%d" % i for i in range(size)]
    for entry in entries:
        tree.append_entry(entry)
    assert tree.get_root() == root_of(entries)


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("at", [3, 17, 30, -10])
def test_others_refuse_a_changed_checkpoint(folder, signer, at: int) -> None:
    flip(folder / "checkpoint", at)
    with pytest.raises(NotVerifiedError):
        verify_by_others(folder, signer.vkey)


@pytest.mark.parametrize("name", ["tile/entries/000", "tile/entries/001", "tile/entries/002.p/188"])
def test_others_refuse_a_changed_leaf(folder, signer, name: str) -> None:
    flip(folder / name, 100)
    with pytest.raises(NotVerifiedError, match="root"):
        verify_by_others(folder, signer.vkey)


def test_others_refuse_a_lost_bundle_and_another_key(folder, signer) -> None:
    with pytest.raises(NotVerifiedError):
        verify_by_others(folder, signer_from_bytes(signer.origin, b"o" * 32).vkey)
    (folder / "tile/entries/001").unlink()
    with pytest.raises(NotVerifiedError):
        verify_by_others(folder, signer.vkey)


def test_others_refuse_a_receipt_with_a_changed_path_leaf_or_index(folder, receipts, signer) -> None:
    head, _, note = receipts[2].partition(b"\n\n")
    lines = head.split(b"\n")
    wrong = base64.b64encode(b"x" * 32)
    forged = [[*lines[:at], wrong, *lines[at + 1 :]] for at in range(3, len(lines))]
    forged.append([lines[0], b"extra " + base64.b64encode(b"another leaf"), *lines[2:]])
    forged.append([*lines[:2], b"index 257", *lines[3:]])
    forged.append([*lines[:3], *lines[4:]])
    forged.append([*lines[:3], *reversed(lines[3:])])
    for changed in forged:
        with pytest.raises(NotVerifiedError):
            verify_by_others(folder, signer.vkey, [b"\n".join(changed) + b"\n\n" + note])


def test_the_program_runs_without_the_product(folder, signer, receipts, tmp_path) -> None:
    (tmp_path / "one.tlog-proof").write_bytes(receipts[0])
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from demo.verified_by_others import main;"
        "code = main(sys.argv[2:]);"
        "print([n for n in sys.modules if n.split('.')[0] in ('limited_use', 'kernel')]); sys.exit(code)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(ROOT), str(folder), signer.vkey, str(tmp_path / "one.tlog-proof")],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert '"size": 700' in ran.stdout
    assert ran.stdout.endswith("[]\n")
