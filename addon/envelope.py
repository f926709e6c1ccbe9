"""What stands around a card in an answer: where it goes, what the person is told, what is asked of Google.

Two kinds of calls have two envelopes: a *trigger* (something was opened) is answered bare and pushes, a *click* is
answered in `renderActions` and may put its card in the place of the one that is seen. Asking for scopes or for a
sign-in stands in the place of either.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from addon.manifest import ACTION_PATH
from kernel.errors import AppError

Answer = dict[str, Any]
Card = Mapping[str, Any] | orjson.Fragment
"""A card of ours alone, or one that the sink adaptor has finished."""


def opened(card: Card) -> Answer:
    """Return the answer to a trigger: the card is put on top."""
    return {"action": {"navigations": [{"pushCard": card}]}}


def clicked(card: Card, *, told: str | None = None, changed: bool = False) -> Answer:
    """Return the answer to a click: the card takes the place of the one that is seen.

    `told` is said in passing; `changed` makes the client forget cards that it kept.
    """
    action: dict[str, Any] = {"navigations": [{"updateCard": card}]}
    if told:
        action["notification"] = {"text": told}
    answer: Answer = {"renderActions": {"action": action}}
    if changed:
        answer["stateChanged"] = True
    return answer


def needs_scopes(scopes: Sequence[str]) -> Answer:
    """Return the request that Google ask the person for these scopes and then call again."""
    return {"requesting_google_scopes": {"scopes": list(scopes)}}


def needs_sign_in(card: Card) -> Answer:
    """Return the request that the person sign in with us first, told by a card of ours."""
    return {"custom_authorization_prompt": {"action": {"navigations": [{"pushCard": card}]}}}


def failure(error: AppError, path: str) -> Answer:
    """Return the answer that tells of an error, in the envelope that a call of `path` expects."""
    card = {
        "header": {"title": "That did not work"},
        "sections": [{"widgets": [{"textParagraph": {"text": error.told}}]}],
    }
    if not path.startswith(ACTION_PATH):
        return opened(card)
    # Pushed, not put in the place of what is seen: what was typed there is still behind it.
    return {"renderActions": {"action": {"navigations": [{"pushCard": card}]}}}
