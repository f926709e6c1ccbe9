"""C: ciphertext moved, replayed, cut, relabelled; keys put in each other's place."""

import dataclasses
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import select, text, update

from crm.models import Fact, Meeting, Message, Note
from kernel.errors import AppError
from limited_use.asking import Refused, Tampered
from limited_use.cipher import key_id_of
from limited_use.derive import Target, derive, same
from limited_use.keys import KeyPurpose, vault
from limited_use.models import Key
from limited_use.sealing import Place, Sealed
from tests.leaks.pages import browser_page
from tests.leaks.registry import attempt

Moving = Callable[[Any, Sealed], Sealed]


def moved(name: str, technique: str, make: Moving, reason: str = "tampered", refused: Any = Tampered) -> None:
    """Register a way of making another value of a ciphertext; as it is shown, it is refused as a whole."""

    def act(house: Any) -> None:
        browser_page(house, make(house, house.mail().subject))

    leaf = ("refuse", "browser", reason)
    attempt(name, sink="ciphertext", technique=technique, corpus=36, refused=refused, leaf=leaf, opens=True)(act)


def _placed(value: Sealed, **other: Any) -> Sealed:
    """Return the ciphertext in a place that differs."""
    assert value._place is not None
    return Sealed(value._wire, Place(**{**value._place._asdict(), **other}))


def _changed(value: Sealed, at: int, to: bytes | None = None) -> Sealed:
    wire = bytearray(value._wire)
    wire[at : at + (len(to) if to else 1)] = to or bytes([wire[at] ^ 1])
    return Sealed(bytes(wire), value._place)


def _key(house: Any, purpose: KeyPurpose, resident: Any = None) -> bytes:
    who = resident or house.maya
    grant = None if purpose is KeyPurpose.CONTENT else who.grant_id
    sealer = vault(house.runtime).sealer(who.viewer.organisation_id, purpose, grant)
    return sealer.key_id.to_bytes(4, "big")


moved("C36-row", "another row", lambda house, value: _placed(value, row_id=house.rows(Message)[-1].id))
moved("C36-column", "another column", lambda _house, value: _placed(value, column="snippet"))
moved("C36-table", "another table", lambda _house, value: _placed(value, table="notes", column="body"))
moved("C36-format", "another format", lambda _house, value: _placed(value, format="json"))
moved(
    "C36-organisation",
    "another organisation's place",
    lambda house, value: _placed(value, organisation_id=house.carla.viewer.organisation_id),
    "other_organisation",
    Refused,
)
moved("C36-unplaced", "no place at all", lambda _house, value: Sealed(value._wire, None), "unplaced", Refused)
moved("C36-bit", "one bit of the text", lambda _house, value: _changed(value, 20))
moved("C36-nonce", "one bit of the nonce", lambda _house, value: _changed(value, 6))
moved("C36-tag", "one bit of the tag", lambda _house, value: _changed(value, len(value._wire) - 1))
moved("C36-cut", "the end cut off", lambda _house, value: Sealed(value._wire[:-1], value._place))
moved("C36-short", "next to nothing left", lambda _house, value: Sealed(value._wire[:12], value._place))
moved("C36-version", "another version of the format", lambda _house, value: _changed(value, 0, b"\x02"))
moved(
    "C36-native-key", "the key id of what users write", lambda house, v: _changed(v, 1, _key(house, KeyPurpose.CONTENT))
)
moved("C36-own-key", "the key id of another source", lambda house, v: _changed(v, 1, _key(house, KeyPurpose.CALENDAR)))
moved("C36-no-key", "a key id that nobody has", lambda _house, v: _changed(v, 1, b"\xff\xff\xff\xf0"), "key_unknown")
moved(
    "C36-their-key",
    "the key id of another organisation",
    lambda house, v: _changed(v, 1, _key(house, KeyPurpose.MAIL, house.carla)),
    "other_organisation",
    Refused,
)
moved("C36-spliced", "half of one and half of another", lambda house, v: _spliced(house, v))  # noqa: PLW0108 -- as above


def _spliced(house: Any, value: Sealed) -> Sealed:
    other = house.mail().snippet
    return Sealed(value._wire[:24] + other._wire[24:], value._place)


def _in_database(house: Any, model: Any, row_id: uuid.UUID, column: str, wire: bytes) -> None:
    order = text(f"UPDATE {model.__tablename__} SET {column} = :wire WHERE id = :id")  # noqa: S608 -- our own names
    with house.runtime.begin() as work:
        work.session.execute(order, {"wire": wire, "id": row_id})


def _swapped(house: Any, rows: tuple[Any, Any], column: str, path: str) -> Any:
    """Exchange two ciphertexts in the database, look at a page, and put them back."""
    one, other = rows
    mine, theirs = getattr(one, column)._wire, getattr(other, column)._wire
    _in_database(house, type(one), one.id, column, theirs)
    _in_database(house, type(other), other.id, column, mine)
    try:
        return house.maya.get(path)
    finally:
        _in_database(house, type(one), one.id, column, mine)
        _in_database(house, type(other), other.id, column, theirs)


TAMPERED = ("refuse", "browser", "tampered")


@attempt(
    "C36-swap-rows",
    sink="browser",
    technique="two rows exchanged in the database",
    corpus=36,
    leaf=TAMPERED,
    opens=True,
)
def swap_rows(house):
    rows = house.rows(Message)
    answer = _swapped(house, (rows[0], rows[1]), "subject", f"/people/{house.person_id}")
    assert answer.status_code == 500
    assert "not what was put there" in answer.text


@attempt(
    "C36-swap-grants",
    sink="browser",
    technique="a teammate's row in the database",
    corpus=36,
    opens=True,
    shown_in=("http",),
)
def swap_grants(house):
    """Maya's page with Bert's ciphertext in her row: whose it is follows from its key, so it is withheld from her."""
    rows = house.mail(), house.mail(house.bert.grant_id)
    answer = _swapped(house, rows, "subject", f"/people/{house.person_id}")
    assert answer.status_code == 200
    assert 'class="withheld"' in answer.text
    assert [text for text in house.bert.planting.texts.values() if text in answer.text.lower()] == []


@attempt(
    "C36-swap-tenants",
    sink="browser",
    technique="another organisation's row in the database",
    corpus=36,
    leaf=("refuse", "browser", "other_organisation"),
)
def swap_tenants(house):
    rows = house.mail(), house.mail(house.carla.grant_id)
    _check_refused(_swapped(house, rows, "subject", f"/people/{house.person_id}"))


@attempt(
    "C36-laundered",
    sink="browser",
    technique="Google's ciphertext in a note's row",
    corpus=(36, 40),
    leaf=("refuse", "browser", "tampered"),
    opens=True,
)
def laundered(house):
    """A note's column holding a mail's subject: it is still Gmail's, and does not open in that place."""
    note = house.record(Note)
    wire = note.body._wire
    _in_database(house, Note, note.id, "body", house.mail().subject._wire)
    try:
        answer = house.maya.get(f"/people/{house.person_id}")
        assert answer.status_code == 500
    finally:
        _in_database(house, Note, note.id, "body", wire)


@attempt(
    "C36-laundered-ai", sink="ai_tool", technique="Google's ciphertext in a note's row, for an AI tool", corpus=(36, 57)
)
def laundered_for_ai(house):
    """The same row in an AI export: its key says Gmail, so the note's text is withheld."""
    note = house.record(Note)
    wire = note.body._wire
    _in_database(house, Note, note.id, "body", house.mail().subject._wire)
    try:
        answer = house.program("maya", "ai_tool", "/api/v1/ai/people.jsonl")
        assert house.native["note"] not in answer.text
        assert answer.status_code in (200, 500)
    finally:
        _in_database(house, Note, note.id, "body", wire)


@attempt("C36-derive", sink="derive", technique="deriving from a moved ciphertext", corpus=36, refused=Tampered)
def derived(house):
    keys = vault(house.runtime)
    sealer = keys.sealer(house.maya.viewer.organisation_id, KeyPurpose.MAIL, house.maya.grant_id)
    value = _placed(house.mail().subject, row_id=uuid.uuid4())
    derive(keys, same, [value], Target(sealer, "notes", "body", uuid.uuid4()))


@attempt("C36-same-text", sink="ciphertext", technique="comparing ciphertexts of the same text")
def deterministic(house, trap):
    """The same text sealed twice, in the same place, has nothing in common but its key's id and length."""
    sealer = vault(house.runtime).sealer(house.maya.viewer.organisation_id, KeyPurpose.MAIL, house.maya.grant_id)
    row = uuid.uuid4()
    one, other = (sealer.seal("messages", "subject", row, "the same text here")._wire for _ in range(2))
    assert one[:5] == other[:5]
    assert not set(_windows(one[5:])) & set(_windows(other[5:]))
    trap.keep([one, other])


def _windows(wire: bytes) -> list[bytes]:
    return [wire[at : at + 6] for at in range(len(wire) - 5)]


@attempt("C-keys-swapped", sink="keys database", technique="a wrapped key put in another's row", refused=AppError)
def swapped_key(house):
    """The keys' database with Maya's mail key wrapped in the place of the content key: it is not taken."""
    mine, native = (key_id_of(value._wire) for value in (house.mail().subject, house.record(Note).body))
    with house.runtime.key_sessions.begin() as session:
        kept = {row.id: row.wrapped for row in session.scalars(select(Key).where(Key.id.in_([mine, native])))}
        session.execute(update(Key).where(Key.id == native).values(wrapped=kept[mine]))
    try:
        with house.another_process() as runtime:
            browser_page(dataclasses.replace(house, runtime=runtime), house.record(Note).body)
    finally:
        with house.runtime.key_sessions.begin() as session:
            session.execute(update(Key).where(Key.id == native).values(wrapped=kept[native]))


@attempt("C-keys-raw", sink="keys database", technique="decrypting with what the keys database holds")
def raw_keys(house):
    """The wrapped keys are no keys: none opens anything."""
    values = [house.mail().subject, house.rows(Fact)[0].value, house.rows(Meeting)[0].title]
    with house.runtime.key_sessions() as session:
        rows = [row for row in session.scalars(select(Key)) if row.wrapped]
    candidates = {row.commitment for row in rows}
    for row in rows:
        candidates |= {row.wrapped[at : at + 32] for at in range(len(row.wrapped) - 31)}
    for value in values:
        wire, aad = value._wire, value._place.associated_data()
        for key in candidates:
            with pytest.raises(InvalidTag):
                AESGCM(key).decrypt(wire[5:17], wire[17:], aad)


def _check_refused(answer: Any) -> None:
    """Accept an answer that was refused."""
    assert answer.status_code in (403, 500)
