"""Who asks to see something, why, for which feature, and where it will go.

An asking is made by the route, job or credential that declares these, never from what the caller sent. Words that are
none of ours become `unknown`, which no rule allows.
"""

import enum
import uuid
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar

from kernel.errors import AppError, Unavailable
from limited_use.log.words import ActorClass, Purpose, Sink

__all__ = [
    "ActorClass",
    "AiNotAllowed",
    "Asking",
    "GrantEnded",
    "LogUnavailable",
    "Purpose",
    "Refused",
    "Sink",
    "Tampered",
    "WrongSink",
]

W = TypeVar("W", bound=enum.StrEnum)


@dataclass(frozen=True, slots=True)
class Asking:
    """One request for an opening."""

    organisation_id: uuid.UUID
    """The tenant in whose name it is asked; values of another are refused."""
    member_id: uuid.UUID | None
    """The member who will see it, or on whose behalf it is asked."""
    actor: str
    """What kind of caller, a word of ActorClass: member, token, addon, worker."""
    feature: str
    """The visible feature it serves: a name in policy.toml."""
    purpose: Purpose
    """Why."""
    sink: Sink
    """The class of place it goes to, which belongs to the credential."""
    destination: str = ""
    """Which place: a registered destination's id; at sink `google` the id of the grant."""

    def __post_init__(self) -> None:
        """Read words given as text; `system` asks as a worker does."""
        object.__setattr__(self, "purpose", _word(self.purpose, Purpose, Purpose.UNKNOWN))
        object.__setattr__(self, "sink", _word(self.sink, Sink, Sink.UNKNOWN))
        object.__setattr__(self, "actor", _word(self.actor, ActorClass, ActorClass.WORKER))


def _word(said: str, words: type[W], otherwise: W) -> W:
    try:
        return words(said)
    except ValueError:
        return otherwise


class Refused(AppError):  # noqa: N818 -- read as the state it reports
    """The guard did not open the answer; nothing of it left. A leaf says why."""

    code = "limited_use_refused"
    status = HTTPStatus.FORBIDDEN
    sentence = "The Limited Use rules do not allow this, so nothing was shown. The log says which rule it was."


class AiNotAllowed(Refused):
    """The organisation has not allowed AI tools."""

    code = "ai_not_allowed"
    sentence = "AI tools are off for this organisation. An admin can allow them, for what users wrote, in Settings."


class GrantEnded(Refused):
    """A connection to Google behind the answer was ended while it was being made, or its keys are gone."""

    code = "grant_ended"
    status = HTTPStatus.CONFLICT
    sentence = "A connection to Google was ended while this was being prepared. Load it again."
    retry = True


class Tampered(Refused):
    """A stored value does not open in its place: it was moved, replayed or damaged."""

    code = "tampered"
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    sentence = "A stored value is not what was put there, so nothing was shown. An admin finds this in the log."


class WrongSink(Refused):
    """The answer was made for another class of place than the credential belongs to."""

    code = "wrong_sink"
    sentence = "This credential belongs to another class of destination, so this kind of answer is not for it."


class LogUnavailable(Unavailable):
    """The Limited Use log cannot be written, so nothing is opened."""

    code = "log_unavailable"
    sentence = "The Limited Use log cannot be written at present, so nothing is shown. Try again in a minute."
