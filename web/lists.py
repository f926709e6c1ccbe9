"""Lists that a member reads by last contact or by name, page by page."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from flask import request
from sqlalchemy.orm import Session

from accounts.members import Viewer
from crm.paging import Listing, Page, cursors
from limited_use.keys import Vault, vault
from web.callers import current_viewer, this_runtime

R = TypeVar("R")
SIZE = 50
NAME = "name"


@dataclass(frozen=True, slots=True)
class Listed(Generic[R]):
    """A page of a list, and how it is ordered."""

    rows: tuple[R, ...]
    following: str | None
    is_first: bool
    by_name: bool
    too_many: bool = False
    """Whether it was asked for by name and is too long for that."""


def listed(
    session: Session,
    name: str,
    by_name: Callable[[Session, Vault, Viewer, Page], Listing[R] | None],
    by_contact: Callable[[Session, Viewer, Page], Listing[R]],
) -> Listed[R]:
    """Return the page of the list `name` that this request asks for; by last contact if it is too long for names.

    Raises:
        BadCursor: if the page is of another list, order or member.
    """
    runtime, viewer = this_runtime(), current_viewer()
    wanted = request.args.get("by") == NAME
    if wanted:
        found = _listed(f"{name}:name", lambda page: by_name(session, vault(runtime), viewer, page), by_name=True)
        if found is not None:
            return found
    page = _listed(name, lambda page: by_contact(session, viewer, page), by_name=False, too_many=wanted)
    assert page is not None  # noqa: S101 -- by last contact every list can be read
    return page


def _listed(
    name: str, read: Callable[[Page], Listing[R] | None], *, by_name: bool, too_many: bool = False
) -> Listed[R] | None:
    runtime, viewer = this_runtime(), current_viewer()
    after = cursors(runtime).read(viewer, name, None if too_many else request.args.get("after"))
    found = read(Page(SIZE, after))
    if found is None:
        return None
    following = cursors(runtime).write(viewer, name, found.next)
    return Listed(found.rows, following, is_first=after is None, by_name=by_name, too_many=too_many)
