"""Connections: what is connected to Google, how far it has come, and the disclosure before each product.

Nothing here is content: counts, states and times of our own. The progress is a fragment that a small script fetches
again while something is running; without the script the page shows the same, as of its loading.
"""

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from flask import Blueprint, Response, flash, redirect
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from accounts import grants
from accounts.members import Viewer
from accounts.models import Grant, GrantStatus, Sharing
from kernel.errors import NotFound
from limited_use import body_reading
from limited_use.sealing import System
from oauth import receipts, revocation
from oauth.disclosures import LIMITED_USE, explain
from oauth.models import Receipt, Revocation
from oauth.scopes import FEATURES, NAMES, features_of
from sync import now
from sync.models import Collection, CollectionKind
from sync.progress import Progress, collections_of, of_collections
from web.callers import caller, current_viewer, this_runtime
from web.render import page

blueprint = Blueprint("connections", __name__)

_KINDS = {
    "gmail": (CollectionKind.MAIL,),
    "calendar": (CollectionKind.CALENDARS, CollectionKind.CALENDAR),
    "contacts": (CollectionKind.CONTACTS,),
}
_ITEMS = {"gmail": "messages", "calendar": "events", "contacts": "contacts"}
_ICONS = {"gmail": "mail", "calendar": "calendar", "contacts": "contacts"}
_REASONS = {
    "draft": "drafts",
    "spam": "in spam",
    "trash": "in the trash",
    "chat": "chats",
    "excluded_label": "under a label you left out",
    "unreadable": "that cannot be read",
}
_SHARED = {
    Sharing.ONLY_ME: "Only you see what comes from this account.",
    Sharing.PEOPLE_AND_TIMES: "Colleagues see people and times of this account.",
    Sharing.AND_SUBJECTS: "Colleagues see people, times and subjects of this account.",
    Sharing.EVERYTHING: "Colleagues see everything of this account.",
}
_FRESH = dt.timedelta(seconds=90)


@dataclass(frozen=True, slots=True)
class Skipped:
    """Why items were left out, and how many."""

    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Shown:
    """How far one product has come, in the page's words."""

    progress: Progress
    skipped: tuple[Skipped, ...]
    finished_at: System[dt.datetime] | None
    checked_at: System[dt.datetime] | None


@dataclass(frozen=True, slots=True)
class Product:
    """One Google product on the page."""

    feature: str
    name: str
    icon: str
    items: str
    permission: str
    connected: bool
    suspended: bool
    shown: Shown | None


@blueprint.get("/connections")
@caller("member")
def connections() -> Response:
    """Answer with the member's connections."""
    return _answer("connections.html")


@blueprint.get("/connections/progress")
@caller("member")
def progress() -> Response:
    """Answer with the part of the page that changes while a sync runs."""
    return _answer("connections_progress.html")


@blueprint.get("/connections/connect/<feature>")
@caller("member")
def disclose(feature: str) -> Response:
    """Answer with what has to be known before the product is connected; leaving the page connects nothing."""
    return page("disclosure.html", feature="connections", explained=explain(feature), limited_use=LIMITED_USE)


@blueprint.post("/connections/sync")
@caller("member")
def sync_now() -> AnyResponse:
    """Have every collection of the member looked at now."""
    count = now.sync_now(this_runtime(), current_viewer())
    if count:
        flash("Looking at Google now.", "good")
    else:
        flash("There is nothing to look at: connect a product first.", "warn")
    return redirect("/connections", code=303)


def _answer(template: str) -> Response:
    viewer = current_viewer()
    runtime = this_runtime()
    moment = runtime.clock.now()
    with runtime.begin() as work:
        session = work.session
        live = grants.live_of_member(session, viewer.organisation_id, viewer.member_id)
        rows = collections_of(session, [grant.id for grant in live])
        products = [_product(feature, live, rows, moment) for feature in FEATURES]
        ending = revocation.of_member(session, viewer.organisation_id, viewer.member_id)
        given = receipts.of_member(session, viewer)
        bodies_read = body_reading.is_on(session, viewer.organisation_id)
    response = page(
        template,
        feature="connections",
        products=products,
        bodies_read=bodies_read,
        grants=live,
        shared=_SHARED,
        ending=[_ending(row) for row in ending],
        receipts=[_receipt(receipt) for receipt in given],
    )
    busy = bool(ending) or any(product.shown is not None and product.shown.progress.running for product in products)
    response.headers["X-Running"] = "1" if busy or _just_checked(rows, moment) else "0"
    return response


def _just_checked(rows: Iterable[Collection], moment: dt.datetime) -> bool:
    return any(row.progressed_at is not None and moment - row.progressed_at < _FRESH for row in rows)


def _product(feature: str, live: list[Grant], rows: list[Collection], moment: dt.datetime) -> Product:
    mine = [grant for grant in live if feature in features_of(grant.scopes)]
    ids = {grant.id for grant in mine}
    of_feature = [row for row in rows if row.grant_id in ids and row.kind in _KINDS[feature]]
    return Product(
        feature=feature,
        name=NAMES[feature],
        icon=_ICONS[feature],
        items=_ITEMS[feature],
        permission=explain(feature).permission,
        connected=bool(mine),
        suspended=any(grant.status == GrantStatus.SUSPENDED for grant in mine),
        shown=_shown(of_collections(of_feature, moment)),
    )


def _shown(progress: Progress | None) -> Shown | None:
    if progress is None:
        return None
    return Shown(
        progress=progress,
        skipped=tuple(
            Skipped(_REASONS.get(reason, reason.replace("_", " ")), count) for reason, count in progress.skipped.items()
        ),
        finished_at=System(progress.expected_end) if progress.expected_end else None,
        checked_at=System(progress.checked_at) if progress.checked_at else None,
    )


@dataclass(frozen=True, slots=True)
class EndingRow:
    """A connection on its way out."""

    requested_at: System[dt.datetime]
    destroyed: bool
    purged: bool
    told_google: bool
    deleted: int


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """A receipt in the list."""

    id: uuid.UUID
    created_at: System[dt.datetime]
    deleted: int


def _ending(row: Revocation) -> EndingRow:
    return EndingRow(
        requested_at=System(row.requested_at),
        destroyed=row.keys_destroyed_at is not None,
        purged=row.purged_at is not None,
        told_google=row.google_answer is not None,
        deleted=sum(row.counts.values()),
    )


def _receipt(receipt: Receipt) -> ReceiptRow:
    return ReceiptRow(receipt.id, System(receipt.created_at), sum(receipt.counts.values()))


def live_grant(session: Session, viewer: Viewer, grant_id: uuid.UUID) -> Grant:
    """Return a grant of the viewer that has not been ended.

    Raises:
        NotFound: There is none with that id that is theirs.
    """
    for grant in grants.live_of_member(session, viewer.organisation_id, viewer.member_id):
        if grant.id == grant_id:
            return grant
    raise NotFound
