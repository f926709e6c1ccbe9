"""What was left out, item by item, with its reason."""

import uuid
from collections.abc import Iterable, Mapping

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from kernel.ids import new_id
from limited_use.keys import BlindIndex
from sync.apply.bulk import among
from sync.apply.page import Place
from sync.models import Skip
from sync.plan import Act, Action, Known, Plan, SkipReason

_NO_DIGEST = b""


def known_skips(session: Session, place: Place, indexer: BlindIndex, keys: Iterable[str]) -> dict[str, Known]:
    """Return which of these items were left out."""
    by_index = {index_of(indexer, key): key for key in keys}
    rows = session.execute(
        select(Skip.id, Skip.item_index, Skip.reason, Skip.generation).where(
            Skip.collection_id == place.id, among(Skip.item_index, by_index)
        )
    )
    return {by_index[row.item_index]: Known(row.id, _NO_DIGEST, SkipReason(row.reason), row.generation) for row in rows}


def unseen_skips(session: Session, place: Place, most: int) -> dict[str, Known]:
    """Return some of those that the present listing has not seen, by a name of no meaning."""
    rows = session.execute(
        select(Skip.id, Skip.reason, Skip.generation)
        .where(Skip.collection_id == place.id, Skip.generation < place.generation)
        .limit(most)
    )
    return {f"skip:{row.id}": Known(row.id, _NO_DIGEST, SkipReason(row.reason), row.generation) for row in rows}


def write_skips(session: Session, place: Place, indexer: BlindIndex, plan: Plan) -> None:
    """The ledger says what the plan says: who is left out now, who no longer is, and who was seen again."""
    gone = [action.was.row_id for action in plan.actions if action.was and action.was.skip and _leaves(action)]
    if gone:
        session.execute(delete(Skip).where(Skip.id.in_(gone)))
    seen = _ids(plan.of(Act.KEEP))
    if seen:
        session.execute(update(Skip).where(Skip.id.in_(seen)).values(generation=place.generation))
    rows = [
        {
            "id": new_id(),
            "organisation_id": place.organisation_id,
            "grant_id": place.grant_id,
            "collection_id": place.id,
            "item_index": index_of(indexer, action.key),
            "reason": str(action.reason),
            "generation": place.generation,
        }
        for action in plan.of(Act.SKIP)
    ]
    if rows:
        session.execute(insert(Skip), rows)


def index_of(indexer: BlindIndex, key: str) -> bytes:
    """Return the name of an item in the ledger."""
    return indexer.digest("item", key)


def _leaves(action: Action) -> bool:
    return action.act is not Act.KEEP


def _ids(actions: Iterable[Action]) -> list[uuid.UUID]:
    return [action.was.row_id for action in actions if action.was and action.was.skip]


def merged(stored: Mapping[str, Known], skipped: Mapping[str, Known]) -> dict[str, Known]:
    """Return both together: an item is stored or left out, never both."""
    return {**skipped, **stored}
