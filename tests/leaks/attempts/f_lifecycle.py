"""F: what is left after an ending; queues and caches; staff and colleagues; other people's ids on every route."""

import dataclasses
import json
import re
import uuid
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import func, select, text

from accounts.models import Grant, Member, SignIn
from crm.models import Deal, FactTerm, Meeting, Message, Note, Task
from kernel.jobs.runs import Run
from kernel.settings import Settings
from limited_use.asking import GrantEnded, Refused
from limited_use.cipher import key_id_of
from limited_use.derive import LabelsWouldShrink, Target, derive, same
from limited_use.key_tree import KeyDestroyed, KeyUnknown
from limited_use.keys import KeyPurpose, vault
from limited_use.models import DestroyedKey, Key
from limited_use.release import guard
from limited_use.sealing import Place, Sealed
from limited_use.sinks import api, export, google, sidebar
from oauth import custody
from oauth.errors import NotConnected
from tests.leaks.pages import environment
from tests.leaks.registry import attempt

ENDED = (GrantEnded, Refused, KeyDestroyed, KeyUnknown)


def _dora(house: Any, sink: str = "browser", feature: str = "people", **said: Any) -> Any:
    return house.asking(sink, feature, member_id=house.dora.viewer.member_id, **said)


def after(name: str, technique: str, sink: str, feature: str, read: Any) -> None:
    """Register a way of reading copied values after their grant was ended, as the owner who was."""

    def act(house: Any, trap: Any) -> None:
        for value in house.copied:
            with pytest.raises(ENDED):
                trap.keep(read(house, _dora(house, sink, feature), value))

    attempt(name, sink=f"{sink} after an ending", technique=technique, corpus=(44, 73))(act)


def _page(house: Any, asking: Any, value: Any) -> str:
    from limited_use.sinks import browser

    return browser.page(house.guard, asking, environment().from_string("<p>{{ v }}</p>"), {"v": value})


after("F44-page", "a page with a copy", "browser", "people", _page)
after(
    "F44-api", "a program with a copy", "api", "api", lambda house, asking, v: api.json(house.guard, asking, {"v": v})
)
after(
    "F44-file",
    "a file with a copy",
    "export",
    "export",
    lambda house, a, v: list(export.csv(house.guard, a, ["v"], [[v]])),
)
after(
    "F44-card",
    "a card with a copy",
    "sidebar",
    "sidebar",
    lambda house, a, v: sidebar.card(house.guard, a, {"header": {"title": v}}),
)
after("F44-google", "Google with a copy", "google", "sync", lambda house, a, v: google.open_secret(house.guard, a, v))


@attempt("F44-vault", sink="keys after an ending", technique="the vault, past the guard", corpus=44)
def vault_after(house):
    for value in house.copied:
        with pytest.raises((KeyDestroyed, KeyUnknown)):
            vault(house.runtime).opening({key_id_of(value._wire)})


@attempt(
    "F44-derive",
    sink="derive after an ending",
    technique="deriving from a copy",
    corpus=44,
    refused=(*ENDED, LabelsWouldShrink),
)
def derive_after(house):
    keys = vault(house.runtime)
    sealer = keys.sealer(house.maya.viewer.organisation_id, KeyPurpose.CONTENT)
    derive(keys, same, [house.copied[0]], Target(sealer, "notes", "body", uuid.uuid4()))


@attempt("F44-new-process", sink="keys after an ending", technique="a process that started afterwards", corpus=44)
def new_process(house, trap):
    with house.another_process() as runtime:
        other = dataclasses.replace(house, runtime=runtime)
        for value in house.copied:
            with pytest.raises(ENDED):
                trap.keep(_page(other, _dora(house), value))


@attempt("F44-restored-keys", sink="keys after an ending", technique="a restored copy of the keys database", corpus=44)
def restored_keys(house, trap):
    """A destroyed key's row, put back as a backup had it: the list beside the data destroys it again."""
    key_id = key_id_of(house.copied[0]._wire)
    with house.runtime.sessions() as session:
        assert session.get(DestroyedKey, key_id) is not None
    with house.runtime.key_sessions.begin() as session:
        session.execute(
            text("UPDATE keys SET wrapped = :w, destroyed_at = NULL WHERE id = :i"), {"w": b"x" * 61, "i": key_id}
        )
    with house.another_process() as runtime:
        guard(runtime)
        with pytest.raises(ENDED):
            trap.keep(_page(dataclasses.replace(house, runtime=runtime), _dora(house), house.copied[0]))
    with house.runtime.key_sessions() as session:
        assert session.get_one(Key, key_id).wrapped is None


@attempt(
    "F44-status-back", sink="browser after an ending", technique="the grant's row made active again by SQL", corpus=44
)
def status_back(house, trap):
    order = text("UPDATE grants SET status = :status WHERE id = :id")
    with house.runtime.begin() as work:
        before = work.session.get_one(Grant, house.dora.grant_id).status
        work.session.execute(order, {"status": "active", "id": house.dora.grant_id})
    try:
        for value in house.copied:
            with pytest.raises(ENDED):
                trap.keep(_page(house, _dora(house), value))
    finally:
        with house.runtime.begin() as work:
            work.session.execute(order, {"status": str(before), "id": house.dora.grant_id})


@attempt(
    "F44-pages",
    sink="browser after an ending",
    technique="every page of the member's own",
    corpus=44,
    shown_in=("http",),
)
def own_pages(house):
    """Dora's own pages, after her ending: nothing of it is on any."""
    for path in ("/", "/people", "/companies", "/tasks", "/deals", "/connections", "/people/skipped", "/people/export"):
        assert house.dora.get(path).status_code == 200
    for what in ("mail.from.name", "contact.family"):
        asked = house.dora.planting.texts[what]
        page = house.dora.get(f"/search?q={asked[:12]}")
        assert not re.search(r'href="/people/[0-9a-f-]{36}"', page.text)


@attempt("F44-program", sink="api after an ending", technique="the member's program", corpus=44)
def own_program(house):
    assert house.program("dora", "api", "/api/v1/people").status_code == 200


@attempt(
    "F44-token",
    sink="google after an ending",
    technique="asking custody for an access token",
    corpus=44,
    refused=NotConnected,
)
def token_after(house):
    custody.custody(house.runtime).credentials(house.dora.grant_id)


@attempt("F72-terms", sink="search index", technique="reading the index of terms", corpus=72)
def index_terms(house, trap):
    """The search index holds keyed digests alone, and none of an ended grant."""
    with house.runtime.sessions() as session:
        rows = session.execute(select(FactTerm.term, FactTerm.grant_id)).all()
        assert rows
        assert all(len(row.term) <= 32 for row in rows)
        assert session.scalar(select(func.count()).where(FactTerm.grant_id == house.dora.grant_id)) == 0
    trap.keep([row.term for row in rows])


@attempt("F73-jobs", sink="queue", technique="the arguments and descriptions of jobs", corpus=73)
def jobs_of_rq(house, trap):
    """Whatever waits or waited in the queue names ids, and nothing else."""
    client = house.runtime.redis
    for key in client.keys("rq:job:*"):
        said = client.hgetall(key)
        trap.keep(repr(said))
    with house.runtime.sessions() as session:
        rows = session.scalars(select(Run)).all()
    assert rows
    assert all(isinstance(row.subject_id, uuid.UUID) and len(row.kind) < 65 for row in rows)
    trap.keep([f"{row.kind} {row.last_error}" for row in rows])


@attempt("F73-caches", sink="cache", technique="all that Redis holds", corpus=73, opens=True, shown_in=("http",))
def caches(house, trap):
    client = house.runtime.redis
    house.maya.get("/people")
    for key in client.scan_iter():
        trap.keep([key, client.dump(key) or b""])


@attempt(
    "F73-headers",
    sink="browser",
    technique="caching of pages by browsers and proxies",
    corpus=73,
    opens=True,
    shown_in=("http",),
)
def not_cached(house):
    for path in ("/people", f"/people/{house.person_id}", f"/messages/{house.mail().id}", "/search?q=x"):
        assert house.maya.get(path).headers["Cache-Control"] == "no-store"


@attempt("F74-admin-pages", sink="browser", technique="every page of an admin's", corpus=74)
def admin_pages(house):
    """Bert administers the organisation, and none of this tells him anything of Maya's Google."""
    for path in ("/log", "/settings", "/members", "/team", "/cases", "/requests", "/settings/webhooks"):
        assert house.bert.get(path).status_code == 200, path


@attempt("F74-log-exported", sink="log", technique="the whole log and its details, exported", corpus=(29, 74))
def log_exported(house, trap):
    done = house.app.test_cli_runner().invoke(args=["log", "export", str(trap.folder / "log")])
    trap.keep(done.output)
    with house.runtime.sessions() as session:
        trap.keep([json.dumps(str(row)) for row in session.execute(text("SELECT * FROM log_leaves")).all()])


@attempt("F74-commands", sink="operator", technique="every command that tells of grants, policy and state", corpus=74)
def commands(house, trap):
    runner = house.app.test_cli_runner()
    for args in (
        ["grants", "list"],
        ["policy", "explain", "--label", "gmail", "--sink", "browser"],
        ["doctor"],
        ["--help"],
    ):
        trap.keep(runner.invoke(args=args).output)


@attempt("F74-repr", sink="operator", technique="the repr of everything that holds keys or data", corpus=(7, 74))
def reprs(house, trap):
    parts = [house.runtime, house.guard, vault(house.runtime), custody.custody(house.runtime), house.runtime.settings]
    trap.keep([repr(part) for part in parts])
    trap.keep([repr(row) for row in house.rows(Message)] + [repr(house.asking())])
    assert isinstance(house.runtime.settings, Settings)
    assert house.runtime.settings.secret_key not in repr(house.runtime.settings)


@attempt("F-session", sink="browser", technique="a sign-in read from the database")
def stolen_session(house):
    """The database holds digests of sign-ins: sending one back is no sign-in."""
    with house.runtime.sessions() as session:
        rows = session.scalars(select(SignIn)).all()
    assert rows
    secrets = [value for row in rows for value in vars(row).values() if isinstance(value, bytes | str)]
    client = house.app.test_client()
    for secret in secrets:
        said = secret.hex() if isinstance(secret, bytes) else secret
        client.set_cookie("crm", said)
        assert client.get("/people", base_url="http://localhost:8080").status_code in (302, 303)


@attempt("F-removed", sink="api", technique="the token of a member who was removed")
def removed(house):
    with house.runtime.begin() as work:
        member = work.session.get_one(Member, house.dora.viewer.member_id)
        member.left_at = house.runtime.clock.now()
    try:
        assert house.program("dora", "api", "/api/v1/people").status_code == 401
        assert house.dora.get("/people").status_code in (302, 303)
    finally:
        with house.runtime.begin() as work:
            work.session.get_one(Member, house.dora.viewer.member_id).left_at = None


@attempt("F-restored-database", sink="database", technique="a whole copy of the data, with keys of its own")
def restored_database(house):
    """Ciphertext of a stolen copy under another installation's keys opens nothing: its keys are random."""
    value = house.mail().subject
    for guess in (b"\x00" * 32, house.runtime.settings.secret_key.encode()[:32], value._wire[:32]):
        with pytest.raises((InvalidTag, ValueError)):
            AESGCM(guess).decrypt(value._wire[5:17], value._wire[17:], value._place.associated_data())
    moved = Sealed(value._wire, Place(uuid.uuid4(), *value._place[1:]))
    with pytest.raises(Refused):
        _page(house, house.asking(), moved)


def _ids(house: Any) -> dict[str, list[uuid.UUID]]:
    """Return the ids of Maya's things that nobody else may reach, by the name that routes give them."""
    hidden = house.hidden_id
    return {
        "person_id": [hidden],
        "message_id": [row.id for row in house.rows(Message)],
        "grant_id": [house.maya.grant_id],
        "deal_id": [house.record(Deal).id],
        "task_id": [house.record(Task).id],
        "note_id": [house.record(Note).id],
        "meeting_id": [row.id for row in house.rows(Meeting)],
    }


def reaching(name: str, technique: str, whose: str, methods: tuple[str, ...], *, outside: bool) -> None:
    """Register asking every route that takes an id for Maya's, as somebody else."""

    def act(house: Any) -> None:
        resident, ids = getattr(house, whose), _ids(house)
        native = {"deal_id", "task_id", "note_id"}
        asked = 0
        for rule in house.app.url_map.iter_rules():
            named = [argument for argument in rule.arguments if argument in ids]
            if len(rule.arguments) != 1 or not named or (named[0] in native and not outside):
                continue
            for value in ids[named[0]]:
                path = str(rule).replace(f"<uuid:{named[0]}>", str(value))
                for method in methods:
                    if method in (rule.methods or ()):
                        answer = resident.get(path) if method == "GET" else resident.post(path, {"x": "y"}, "/people")
                        assert not [text for text in house.maya.planting.texts.values() if text in answer.text.lower()]
                        assert answer.status_code in (401, 403, 404, 422), f"{method} {rule}: {answer.status_code}"
                        asked += 1
        assert asked > 3

    # The form's token is taken from a page of the asker's own.
    attempt(name, sink="browser", technique=technique, corpus=74, opens=True, shown_in=("http",))(act)


reaching("F-idor-teammate", "a teammate asking for ids of mine, on every route", "bert", ("GET", "POST"), outside=False)
reaching("F-idor-outsider", "somebody of another organisation, on every route", "carla", ("GET", "POST"), outside=True)
reaching("F-idor-ended", "a member whose connection ended, on every route", "dora", ("GET",), outside=False)


@attempt("F-idor-api", sink="api", technique="programs of others asking for ids of mine", corpus=74)
def others_programs(house):
    for whose in ("bert", "carla", "dora"):
        assert house.program(whose, "api", f"/api/v1/people/{house.hidden_id}").status_code == 404
    assert house.program("carla", "api", f"/api/v1/people/{house.person_id}").status_code == 404
