"""Sharing: how much of what one grant brings its owner's teammates see. Only me, until the owner says otherwise.

A *level* opens aspects of what is stored (`kernel.database.Aspect`): each opens all that the one before it opens, and
one more. Exceptions to a grant's level, for single people and threads, and addresses that are never shown, are
`crm.sharing`'s, which knows people and threads.

Invariants: only the owner of a grant changes its level or reads it, whatever role others have; a change locks the grant
for update, as an ending does, so that no release that began before it is still under way when it has committed.
"""

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from accounts import grants
from accounts.models import Grant, GrantStatus, Sharing
from kernel.database import Aspect
from kernel.errors import BadInput, NotFound

if TYPE_CHECKING:
    from accounts.members import Viewer

LEVELS = tuple(Sharing)
"""From nothing to everything."""
RANK: Mapping[str, int] = {level.value: rank for rank, level in enumerate(LEVELS)}
"""How much each level opens, to compare: 0 is nothing."""
NEEDED: Mapping[Aspect, int] = {
    Aspect.PEOPLE: RANK[Sharing.PEOPLE_AND_TIMES],
    Aspect.TIMES: RANK[Sharing.PEOPLE_AND_TIMES],
    Aspect.SUBJECTS: RANK[Sharing.AND_SUBJECTS],
    Aspect.CONTENT: RANK[Sharing.EVERYTHING],
}
"""The rank from which each aspect is open; `Aspect.NONE` is open at none."""


def opens(rank: int, aspect: Aspect | None) -> bool:
    """Tell whether a level of this rank shows teammates this aspect."""
    needed = None if aspect is None else NEEDED.get(aspect)
    return needed is not None and rank >= needed


def level_named(word: str) -> Sharing:
    """Return the level of that name.

    Raises:
        BadInput: if there is none.
    """
    try:
        return Sharing(word)
    except ValueError as error:
        raise BadInput("There is no such way of sharing. Choose one of the list.") from error


def level_of(session: Session, viewer: "Viewer", grant_id: uuid.UUID) -> Sharing:
    """Return what the viewer shares of a grant of their own.

    Raises:
        NotFound: if it is not theirs, or ended: the answer is the same.
    """
    return Sharing(_own(viewer, session.get(Grant, grant_id)).sharing)


def change_level(session: Session, viewer: "Viewer", grant_id: uuid.UUID, level: Sharing) -> bool:
    """Leave the viewer's own grant shared so from the commit on, and say whether that is new.

    Raises:
        NotFound: as for `level_of`.
    """
    grant = lock_own(session, viewer, grant_id)
    if grant.sharing == level:
        return False
    grant.sharing = level
    return True


def lock_own(session: Session, viewer: "Viewer", grant_id: uuid.UUID) -> Grant:
    """Return a grant of the viewer's own, locked: every release of it has committed or waits.

    Raises:
        NotFound: as for `level_of`.
    """
    found = grants.lock_for_update(session, [grant_id])
    return _own(viewer, found[0] if found else None)


def _own(viewer: "Viewer", grant: Grant | None) -> Grant:
    mine = (viewer.organisation_id, viewer.member_id)
    if grant is None or (grant.organisation_id, grant.member_id) != mine or grant.status == GrantStatus.REVOKED:
        raise NotFound
    return grant
