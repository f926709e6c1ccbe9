"""One root for every error that a user, a caller or an operator may meet.

An error has a stable `code`, an HTTP `status`, a `sentence` that helps, and says whether trying again helps.
Neither code nor sentence ever carries content, a token, a key or an address. Three renderers turn it into a
page, JSON or a card; anything outside this family becomes `internal`, with nothing of it shown.
"""

from http import HTTPStatus
from typing import ClassVar


class AppError(Exception):
    """The root: subclass it, set `code`, `status` and `sentence`."""

    code: ClassVar[str] = "internal"
    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR
    sentence: ClassVar[str] = "Something went wrong on our side. Nothing was changed; try again in a minute."
    retry: ClassVar[bool] = False

    def __init__(self, sentence: str | None = None) -> None:
        """Keep `sentence` in place of the class's own; it must hold no content, token, key or address."""
        self.told = sentence or self.sentence
        super().__init__(f"{self.code}: {self.told}")

    def as_dict(self) -> dict[str, object]:
        """Return the error as the JSON body that every API of ours answers with."""
        return {"error": {"code": self.code, "message": self.told, "retry": self.retry}}


class NotSignedIn(AppError):  # noqa: N818 -- read as the state it reports
    """Nobody is signed in on this request."""

    code = "not_signed_in"
    status = HTTPStatus.UNAUTHORIZED
    sentence = "Sign in with Google to continue."


class Forbidden(AppError):  # noqa: N818 -- as above
    """The caller is known and may not do this."""

    code = "forbidden"
    status = HTTPStatus.FORBIDDEN
    sentence = "Your role does not allow this. Ask an admin of your organisation."


class NotFound(AppError):  # noqa: N818 -- as above
    """There is nothing here that this caller may see."""

    code = "not_found"
    status = HTTPStatus.NOT_FOUND
    sentence = "There is nothing here that you can see."


class BadInput(AppError):  # noqa: N818 -- as above
    """What was sent cannot be taken; the sentence says which field and why."""

    code = "bad_input"
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    sentence = "Some of what was sent cannot be taken. Check the fields and try again."


class TooLarge(AppError):  # noqa: N818 -- as above
    """What was sent is over the size limit of its place."""

    code = "too_large"
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    sentence = "What was sent is too large. Nothing was saved."


class Unavailable(AppError):  # noqa: N818 -- as above
    """A part that is needed does not answer at present."""

    code = "unavailable"
    status = HTTPStatus.SERVICE_UNAVAILABLE
    sentence = "A part of the service does not answer at present. Try again in a minute."
    retry = True
