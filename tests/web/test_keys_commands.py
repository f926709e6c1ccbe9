"""Operators renew keys and read how they stand."""

import base64
import datetime as dt
import json
import re

import pytest
from sqlalchemy import delete, select, update

from accounts.models import Grant, GrantStatus
from kernel.ids import new_id
from kernel.jobs.attempt import execute_on
from kernel.jobs.runs import Run
from limited_use import rotation
from limited_use.keys import KeyDestroyed, KeyPurpose, vault
from limited_use.log import record
from limited_use.log.checkpoint import open_checkpoint
from limited_use.log.integrator import log_signer
from limited_use.log.leaf import Leaf
from limited_use.log.signer import signer_from_bytes
from limited_use.log.sources import CHECKPOINT_FILE, HISTORY_FILE, VKEY_FILE, FolderSource
from limited_use.log.verify import verify
from limited_use.log.words import ActorClass, Decision, Kind
from limited_use.models import DestroyedKey, Key
from oauth.models import Revocation
from oauth.revocation import Ending, end_account
from tests.addon.conftest import World
from web.commands import keys as keys_command


def work_off(runtime, kind):
    with runtime.sessions() as session:
        run = session.scalars(select(Run).where(Run.kind == kind, Run.state == "due")).one()
    return execute_on(runtime, run.id, run.lease)


@pytest.fixture
def flask(app):
    runner = app.test_cli_runner()
    return lambda *words: runner.invoke(args=["keys", *words])


@pytest.fixture
def organisation_id(runtime):
    world = World(runtime)
    world.grant(world.member("Ann"))
    return world.organisation_id


def test_the_root_is_renewed_and_what_it_wrapped_is_wrapped_anew(flask, runtime, organisation_id, another_runtime):
    other = vault(another_runtime())
    other.indexer(organisation_id)
    said = flask("rotate", "--root").output
    version = int(re.search(r"version (\d+), and every organisation's wrap key is wrapped by it", said)[1])
    assert "Back the key file up now" in said
    assert f"Organisations' wrap keys: version {version} wraps 1." in flask("status").output
    other.store.cache.drop(_all(runtime))
    assert other.indexer(organisation_id).digest("a", "b") == vault(runtime).indexer(organisation_id).digest("a", "b")
    assert f"The root is at version {version}," in flask("rotate", "--root", "--no-new-root").output


def _all(runtime):
    with runtime.key_sessions() as session:
        return session.scalars(select(Key.id)).all()


def test_a_rotation_is_planned_told_of_and_done_by_the_worker(flask, runtime, organisation_id):
    said = flask("rotate", "--organisation", str(organisation_id))
    assert said.exit_code == 0
    assert f"of organisation {organisation_id}: keys, pass 1" in said.output
    work_off(runtime, rotation.JOB)
    assert re.search(r"settle, pass 2, at the start; \d+ rows looked at", flask("status").output)
    assert flask("retire").output.startswith("0 old versions were retired.")
    assert "old versions, 0 of them unused" in flask("status").output


def test_what_a_rotation_left_because_it_is_damaged_is_told(flask, runtime, organisation_id, monkeypatch):
    with runtime.key_sessions.begin() as session:
        row = session.scalars(select(Key).where(Key.purpose == KeyPurpose.CALENDAR)).one()
        row.wrapped = row.wrapped[:-1] + bytes([row.wrapped[-1] ^ 1])
    monkeypatch.setattr(rotation, "SETTLE", dt.timedelta(0))
    monkeypatch.setattr(keys_command.time, "sleep", lambda _: work_off(runtime, rotation.JOB))
    told = "Left as they were, because they are damaged: 1 keys, 0 values; docs/operators/keys.md says what to do."
    said = flask("rotate", "--organisation", str(organisation_id), "--wait").output.splitlines()
    assert told not in said[0]
    assert told in said[-1]
    assert ": done, pass" in said[-1]
    (last,) = (line for line in flask("status").output.splitlines() if line.startswith("The last one was done at"))
    assert last.endswith(told)
    monkeypatch.undo()
    assert "damaged" not in flask("rotate", "--organisation", str(organisation_id)).output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "Say which keys"),
        (("--organisation", str(new_id())), "There is no such organisation."),
        (("--organisation", str(new_id()), "--all"), "exclude each other"),
        (("--organisation", "x"), "is not a valid UUID"),
    ],
    ids=["nothing", "unknown", "both", "no_id"],
)
def test_what_cannot_be_renewed_is_said(flask, words, says):
    said = flask("rotate", *words)
    assert said.exit_code != 0
    assert says in said.output


def test_the_status_counts_what_keys_did(flask, runtime, organisation_id):
    said = flask("status").output
    sealed, unwrapped = map(int, re.search(r"Uses: (\d+) values sealed, keys unwrapped (\d+) times", said).groups())
    assert unwrapped > 0
    sealer = vault(runtime).sealer(organisation_id, KeyPurpose.CONTENT)
    for _ in range(25):
        sealer.seal("notes", "body", new_id(), "x")
    assert f"Uses: {sealed + 25} values sealed" in flask("status").output
    assert "No rotation is under way." in flask("status").output


def test_what_a_restore_of_both_databases_brought_back_is_ended_again_by_a_copy_of_the_log(
    app, flask, runtime, tmp_path
):
    world = World(runtime)
    ended, kept = world.grant(world.member("Ann")), world.grant(world.member("Bea"))
    with runtime.key_sessions() as session:
        saved = {key.id: key.wrapped for key in session.scalars(select(Key))}
    with runtime.sessions() as session:
        sub = session.get_one(Grant, ended).google_sub
    with runtime.begin() as work:
        named = vault(runtime).pseudonym(world.organisation_id, "grant", kept)
        said = {"kind": Kind.KEY_ROTATED, "decision": Decision.EVENT, "actor_class": ActorClass.WORKER}
        record.append(
            work.session, Leaf(at=runtime.clock.now(), grants=(named,), **said), organisation_id=world.organisation_id
        )
    end_account(runtime, sub, Ending("owner"))
    copy = tmp_path / "copy"
    assert app.test_cli_runner().invoke(args=["log", "export", str(copy)]).exit_code == 0
    with runtime.sessions.begin() as session:
        session.execute(delete(DestroyedKey))
        session.execute(delete(Revocation))
        session.get_one(Grant, ended).status = GrantStatus.ACTIVE
    with runtime.key_sessions.begin() as session:
        for key_id, wrapped in saved.items():
            session.execute(update(Key).where(Key.id == key_id).values(wrapped=wrapped, destroyed_at=None))
    sealer = vault(runtime).sealer(world.organisation_id, KeyPurpose.MAIL, ended)  # the hole: it lives again
    said = flask("replay", str(copy))
    assert said.output.startswith("1 ended grants had come back"), said.output
    with runtime.sessions() as session:
        statuses = dict(session.execute(select(Grant.id, Grant.status)).all())
        assert sealer.key_id in set(session.scalars(select(DestroyedKey.key_id)))
    assert (statuses[ended], statuses[kept]) == (GrantStatus.REVOKED, GrantStatus.ACTIVE)
    with pytest.raises(KeyDestroyed):
        vault(runtime).sealer(world.organisation_id, KeyPurpose.MAIL, ended)
    vault(runtime).sealer(world.organisation_id, KeyPurpose.MAIL, kept)
    assert flask("replay", str(copy)).output.startswith("0 ended grants")


def test_a_copy_that_was_changed_ends_nothing(app, flask, tmp_path):
    copy = tmp_path / "copy"
    assert app.test_cli_runner().invoke(args=["log", "export", str(copy)]).exit_code == 0
    note = (copy / "checkpoint").read_text()
    (copy / "checkpoint").write_text(note.replace("log", "lag", 1))
    said = flask("replay", str(copy))
    assert said.exit_code == 1
    assert "does not hold" in said.output
    assert flask("replay", str(tmp_path)).exit_code == 1


def test_a_copy_that_somebody_else_signed_ends_nothing(app, flask, runtime, tmp_path):
    copy, ours = tmp_path / "copy", log_signer(runtime)
    World(runtime)
    assert app.test_cli_runner().invoke(args=["log", "export", str(copy)]).exit_code == 0
    theirs = signer_from_bytes(ours.origin, bytes(32))
    lines = [json.loads(line) for line in (copy / HISTORY_FILE).read_text().splitlines()]
    for line in lines:
        head = open_checkpoint(base64.b64decode(line["note"]), ours.verifier)
        line["note"] = base64.b64encode(theirs.sign(head.size, head.root)).decode()
    (copy / HISTORY_FILE).write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    (copy / CHECKPOINT_FILE).write_bytes(base64.b64decode(lines[-1]["note"]))
    (copy / VKEY_FILE).write_text(f"{theirs.vkey}\n")
    assert verify(FolderSource(copy)).verified, "it holds, but for the key that we know"
    said = flask("replay", str(copy))
    assert said.exit_code == 1
    assert "not this log's" in said.output
