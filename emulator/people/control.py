"""The control API's way to address books.

`POST /_control/contacts {account, resource, planted, other}` · `PATCH /_control/contacts/<number> {account,
resource}` · `DELETE /_control/contacts/<number>?account=` · `POST /_control/address-book {account, lag_s?, void?}`
has lists lag behind writes, or ends every sync token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.control_call import control_account, control_body
from emulator.people import changes, state
from emulator.people.routes import blueprint
from emulator.refusals import Refusal
from emulator.state import current
from emulator.wire import json_answer, render

if TYPE_CHECKING:
    from flask import Response


@blueprint.post("/_control/contacts")
def control_add() -> Response:
    """Add a contact to an account's address book, or someone whom Google collected."""
    try:
        body = control_body()
        account = control_account(body)
        with current().store.write() as db:
            place = changes.Place(db, state.open_book(db, account), current().clock.now())
            marks = {"planted": bool(body.get("planted")), "other": bool(body.get("other"))}
            row = changes.create(place, body.get("resource") or {}, **marks)
    except Refusal as refusal:
        return render(refusal, "people")
    return json_answer(state.shown(row, frozenset({*state.FIELDS, "metadata"})), 201)


@blueprint.patch("/_control/contacts/<path:person_id>")
def control_change(person_id: str) -> Response:
    """Replace the fields that the resource names in a contact of an account."""
    try:
        body = control_body()
        account = control_account(body)
        changed = changes.patch_contact(current().store, account, person_id, body.get("resource") or {})
    except Refusal as refusal:
        return render(refusal, "people")
    return json_answer(changed)


@blueprint.delete("/_control/contacts/<path:person_id>")
def control_delete(person_id: str) -> Response:
    """Delete a contact of an account."""
    try:
        changes.delete_contact(current().store, control_account(control_body()), person_id)
    except Refusal as refusal:
        return render(refusal, "people")
    return json_answer({})


@blueprint.post("/_control/address-book")
def control_book() -> Response:
    """Have lists lag behind writes by so many seconds, or end every sync token."""
    try:
        body = control_body()
        account = control_account(body)
    except Refusal as refusal:
        return render(refusal, "people")
    with current().store.write() as db:
        book = state.open_book(db, account)
        db.execute(
            "UPDATE address_book SET lag_s = ?, era = era + ? WHERE account = ?",
            (float(body.get("lag_s", book.lag_s)), 1 if body.get("void") else 0, account.sub),
        )
    return json_answer({})
