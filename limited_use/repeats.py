"""Texts that repeat what Google gave: typed by users, and yet not theirs alone, so held back from programs elsewhere.

Such a text is *marked* when it is saved, if it repeats something of its author's own accounts, and when it is about to
leave for an AI tool or a webhook, if it repeats something of anybody's in the organisation: what was printed since it
was saved counts too. A mark stays when a connection that it came from ends, for the passage is still there and there is
nothing to compare it with any more. While the connections last, rewriting the text lifts it unless it still repeats
something that is kept: the mail that a passage is from may have been deleted at Google meanwhile.

Who is told: the owners of the accounts that the passage is from, nobody else. At a sink a colleague's passage is left
out like any other, and neither the page nor the log says whose it is, or a guess could be tried on a colleague's mail.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import any_, delete, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session
from sqlalchemy.types import Uuid

from accounts.models import Grant, GrantStatus
from limited_use.fingerprint_models import Repeat
from limited_use.fingerprints import Finding, findings
from limited_use.keys import Vault
from limited_use.labels import NATIVE, Source
from limited_use.log.words import Sink
from limited_use.policy import Kind
from limited_use.sealing import Native, Place, Sealed
from limited_use.survey import Group, Survey

CHECKED = frozenset({Sink.AI_TOOL, Sink.WEBHOOK})
"""Sinks before which every text of users is compared with what came in."""
REASON = "repeats_google"
_ADDRESSES = frozenset({"webhooks.url", "webhook_secrets.secret"})
"""Where a message goes and what signs it: they tell the receiver nothing that it did not have."""


def mark(
    session: Session,
    vault: Vault,
    author: tuple[uuid.UUID, uuid.UUID],
    place: tuple[str, uuid.UUID],
    text: str,
) -> Source | None:
    """Leave the text that is saved at a place marked if it repeats what came in; return what of the author's it is.

    `author` is the organisation and the member, `place` the table and column, with a dot, and the row. Of a mark that
    was there stays what came from connections that have ended meanwhile; the rest goes if it is repeated no more.

    Raises:
        TooLarge: if the text is too long to be checked.
    """
    organisation_id, member_id = author
    field, row_id = place
    at_place = select(Repeat.source, Repeat.grant_ids).where(Repeat.row_id == row_id, Repeat.field == field)
    before = session.execute(at_place).one_or_none()
    alive = select(Grant.id).where(Grant.organisation_id == organisation_id, Grant.status != GrantStatus.REVOKED)
    own = set(session.scalars(alive.where(Grant.member_id == member_id)))
    marked = set(before.grant_ids) if before is not None else set()
    known = marked & set(session.scalars(alive.where(Grant.id == any_(_ids(marked))))) if marked else set()
    found = findings(session, vault, organisation_id, [text], own | known)[0]
    ended = marked - known  # with these the text cannot be compared any more
    if found is not None:
        _write(session, organisation_id, {(row_id, field): replace(found, grant_ids=found.grant_ids | ended)})
    elif before is not None and ended:
        _write(session, organisation_id, {(row_id, field): Finding(Source(before.source), frozenset(ended))})
    else:
        forget(session, [row_id], field)
    return found.source if found is not None and found.grant_ids & own else None


def forget(session: Session, row_ids: Iterable[uuid.UUID], field: str | None = None) -> None:
    """No mark is left on these rows, which are gone or written anew; or on that field of them."""
    gone = delete(Repeat).where(Repeat.row_id == any_(_ids(row_ids)))
    session.execute(gone if field is None else gone.where(Repeat.field == field))


def told(
    session: Session, organisation_id: uuid.UUID, member_id: uuid.UUID, row_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, Source]:
    """Return which of these rows repeat something that came from the member's own accounts, and what."""
    own = select(func.array_agg(Grant.id)).where(Grant.member_id == member_id).scalar_subquery()
    rows = select(Repeat.row_id, Repeat.source).where(
        Repeat.organisation_id == organisation_id, Repeat.row_id == any_(_ids(row_ids)), Repeat.grant_ids.overlap(own)
    )
    return {row.row_id: Source(row.source) for row in session.execute(rows)}


def count(session: Session, organisation_id: uuid.UUID) -> int:
    """Return how many texts of the organisation are held back."""
    mine = select(func.count()).select_from(Repeat).where(Repeat.organisation_id == organisation_id)
    return session.scalar(mine) or 0


def find(
    session: Session, vault: Vault, organisation_id: uuid.UUID, values: Sequence[Any], opened: Sequence[Any]
) -> dict[int, Source]:
    """Return which of these values, opened for a sink, are texts of users that repeat what came in; each is marked.

    Raises:
        TooLarge: if a text is too long to be checked.
    """
    texts = {at: text for at, text in enumerate(opened) if type(text) is str and _is_users(vault, values[at])}
    places = {at: place for at in texts if (place := _place_of(values[at])) is not None}
    marked = _marked(session, places.values())
    found = {at: marked[key] for at, place in places.items() if (key := _key(place)) in marked}
    rest = [at for at in texts if at not in found]
    fresh: dict[tuple[uuid.UUID, str], Finding] = {}
    for at, finding in zip(rest, findings(session, vault, organisation_id, [texts[at] for at in rest]), strict=True):
        if finding is not None:
            found[at] = finding.source
            if at in places:
                fresh[_key(places[at])] = finding
    _write(session, organisation_id, fresh)
    return found


def account_of(values: Sequence[Any], found: Mapping[int, Source]) -> Survey:
    """Return what the leaf says of what was found: how many texts, of which fields and sources; not whose."""
    places = [place for at in found if (place := _place_of(values[at])) is not None]
    sources = list(found.values())
    return Survey(
        groups=[Group(kinds=frozenset({Kind(one)}), count=sources.count(one)) for one in dict.fromkeys(sources)],
        fields=frozenset(f"{place.table}.{place.column}" for place in places),
        records=len({place.row_id for place in places}),
    )


def _is_users(vault: Vault, value: Any) -> bool:
    """Tell whether a user wrote the value, so that it must not repeat what Google gave."""
    if type(value) is Native:
        return True
    if type(value) is not Sealed or vault.labels(value) != NATIVE:
        return False
    place = _place_of(value)
    return place is None or _key(place)[1] not in _ADDRESSES


def _place_of(value: Any) -> Place | None:
    return value._place if type(value) is Sealed else None  # noqa: SLF001 -- the guard reads where a value stands


def _key(place: Place) -> tuple[uuid.UUID, str]:
    return place.row_id, f"{place.table}.{place.column}"


def _marked(session: Session, places: Collection[Place]) -> dict[tuple[uuid.UUID, str], Source]:
    rows = select(Repeat).where(Repeat.row_id == any_(_ids({place.row_id for place in places})))
    return {(row.row_id, row.field): Source(row.source) for row in session.scalars(rows)} if places else {}


def _write(session: Session, organisation_id: uuid.UUID, found: Mapping[tuple[uuid.UUID, str], Finding]) -> None:
    rows = [
        {
            "row_id": row_id,
            "field": field,
            "organisation_id": organisation_id,
            "source": finding.source.value,
            "grant_ids": sorted(finding.grant_ids),
            "found_at": func.now(),
        }
        for (row_id, field), finding in sorted(found.items(), key=lambda item: item[0])  # one order: no deadlock
    ]
    if rows:
        new = insert(Repeat).values(rows)
        changed = {name: new.excluded[name] for name in ("source", "grant_ids", "found_at")}
        session.execute(new.on_conflict_do_update(index_elements=["row_id", "field"], set_=changed))


def _ids(ids: Iterable[uuid.UUID]) -> Any:
    return literal(list(ids), ARRAY(Uuid))
