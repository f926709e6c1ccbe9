"""What a page says of texts that repeat what came from Google: to those whose accounts that was, alone."""

import uuid
from collections.abc import Iterable

from flask import flash

from crm.pen import Pen
from limited_use import repeats
from limited_use.labels import Source
from web.callers import current_viewer, this_runtime

SAYS = {
    Source.GMAIL: "This repeats a message from Gmail, so it stays out of AI tools and webhooks.",
    Source.CALENDAR: "This repeats a meeting from Calendar, so it stays out of AI tools and webhooks.",
}


def tell(written: Pen) -> None:
    """The next page says it, if what was written with the pen repeats something of the writer's own accounts."""
    for source in dict.fromkeys(written.repeated):
        flash(SAYS[source], "warn")


def repeating(row_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return what a page says beside those of these rows that repeat something of the member's own accounts."""
    viewer = current_viewer()
    with this_runtime().sessions() as session:
        found = repeats.told(session, viewer.organisation_id, viewer.member_id, row_ids)
    return {row_id: SAYS[source] for row_id, source in found.items()}
