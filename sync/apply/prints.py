"""Storing the prints of a page's items, beside the items themselves."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from limited_use import fingerprints
from limited_use.fingerprint_models import Fingerprint
from sync.apply.bulk import copy_rows
from sync.plan import Act, Plan


def write_prints(session: Session, prints: Sequence[Mapping[str, Any]], plan: Plan) -> None:
    """The prints stand in the table; those of items that were there already, in place of their former ones."""
    updated = {action.was.row_id for action in plan.of(Act.UPDATE) if action.was}
    fingerprints.keep(session, [row for row in prints if row["item_id"] in updated])
    copy_rows(session, Fingerprint, [row for row in prints if row["item_id"] not in updated])
