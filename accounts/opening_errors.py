"""What goes wrong when somebody asks, answers or shows an opening (`accounts.openings`)."""

from http import HTTPStatus
from typing import ClassVar

from kernel.errors import AppError


class AskedTooOften(AppError):  # noqa: N818 -- read as the state it reports
    """The member has asked for as much as may be asked at a time."""

    code = "asked_too_often"
    status: ClassVar[HTTPStatus] = HTTPStatus.TOO_MANY_REQUESTS
    sentence = "You have asked for a lot today. Wait for answers, or until tomorrow."


class RefusedBefore(AppError):  # noqa: N818 -- as above
    """Who decides said no to this, not long ago."""

    code = "refused_before"
    status: ClassVar[HTTPStatus] = HTTPStatus.CONFLICT
    sentence = "This was refused within the last seven days. Talk to who refused it before you ask again."


class OpeningOver(AppError):  # noqa: N818 -- as above
    """The request was decided another way, ran out, was shown or ended."""

    code = "opening_over"
    status: ClassVar[HTTPStatus] = HTTPStatus.CONFLICT
    sentence = "This request is over: it was answered, has run out, or was taken back."


class SecondPerson(AppError):  # noqa: N818 -- as above
    """A case can only be approved by another admin than the one who opened it, who does not own the item."""

    code = "second_person"
    status: ClassVar[HTTPStatus] = HTTPStatus.FORBIDDEN
    sentence = "A case needs a second person: another admin, who neither opened it nor owns the item."
