"""What ends or delays a sync, beside what Google says."""

from http import HTTPStatus

from kernel.errors import AppError


class GrantNotActive(AppError):  # noqa: N818 -- read as the state it reports
    """The grant was suspended or ended while it was being worked on; nothing of the page was stored."""

    code = "grant_not_active"
    status = HTTPStatus.CONFLICT
    sentence = "This Google account is not connected at present. Connect it again under Connections."
