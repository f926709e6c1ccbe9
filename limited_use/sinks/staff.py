"""The sink `staff`: one item of somebody else's, shown to an admin by its owner's consent or by an approved case.

The document is a page, composed and escaped as the browser's are, but asked for at a sink of its own: what a member
sees at the browser (their own, what is shared with them, what a teammate let them see) is withheld here, and what staff
may see here opens nowhere else.
"""

from collections.abc import Mapping
from typing import Any

from jinja2 import Template

from limited_use.asking import ActorClass, Asking, Sink
from limited_use.release import Guard
from limited_use.sinks import browser


def page(guard: Guard, asking: Asking, template: Template, context: Mapping[str, Any]) -> str:
    """Return the page with the one item, opened for the admin who asks.

    Raises:
        Refused: if the asking is not staff's, or the guard refuses.
        SealedError: as for `browser.page`.
    """
    if asking.sink is not Sink.STAFF or asking.actor is not ActorClass.STAFF or asking.member_id is None:
        guard.refuse(asking, "wrong_sink")
    return browser.finished(guard, asking, template, context)
