"""Endings that a restored backup does not know of, found in a copy of the log that is newer than the backup.

If both databases are put back to a moment before a grant was ended, neither knows that its keys were destroyed. The
log's entries do, and copies of the log are with others (`log export`, or fetched from its public addresses). They name
grants by pseudonym; the organisation's pseudonym key, which is never renewed, tells which they are.
"""

import uuid
from collections.abc import Collection
from pathlib import Path

from sqlalchemy import select

from kernel.errors import AppError
from kernel.runtime import Runtime
from limited_use.key_tree import KeyDestroyed, KeyUnknown
from limited_use.keys import vault
from limited_use.log.checkpoint import NoteRefused, open_checkpoint
from limited_use.log.integrator import log_signer
from limited_use.log.leaf import read_leaf
from limited_use.log.sources import FolderSource
from limited_use.log.verify import verify
from limited_use.log.words import Kind
from limited_use.models import Key


class CopyNotOurs(AppError):  # noqa: N818 -- read as the state it reports
    """The copy of the log does not hold, or is of another log."""

    code = "log_copy_refused"
    sentence = "This copy of the log does not hold, or it is not this log's."


def endings_in(runtime: Runtime, folder: Path) -> frozenset[str]:
    """Return the pseudonyms of all grants whose keys were destroyed, as a copy of our log says.

    Raises:
        CopyNotOurs: if it is damaged, or not signed with our key.
    """
    source = FolderSource(folder, log_signer(runtime).verifier)
    if not verify(source).verified:
        raise CopyNotOurs
    try:
        head = open_checkpoint(source.head() or b"", source.known)
    except NoteRefused as error:
        raise CopyNotOurs from error
    found: set[str] = set()
    for bundle in source.entries(head.size):
        for body in bundle.entries:
            leaf = read_leaf(body)
            if leaf.kind is Kind.KEY_DESTROYED:
                found.update(leaf.grants)
    return frozenset(found)


def revived(runtime: Runtime, pseudonyms: Collection[str]) -> list[uuid.UUID]:
    """Return the grants with living keys that were ended by what the pseudonyms say."""
    keys = vault(runtime)
    alive = select(Key.organisation_id, Key.grant_id).where(
        Key.wrapped.is_not(None), Key.grant_id.is_not(None), Key.purpose != "detail", ~Key.is_decoy
    )
    with runtime.key_sessions() as session:
        grants = session.execute(alive.distinct().order_by(Key.organisation_id, Key.grant_id)).all()
    found = []
    for organisation_id, grant_id in grants:
        if grant_id is None:
            continue
        try:
            named = keys.pseudonym(organisation_id, "grant", grant_id)
        except (KeyUnknown, KeyDestroyed):
            continue
        if named in pseudonyms:
            found.append(grant_id)
    return found
