"""What can go wrong at Google, as the few families that a caller must tell apart.

Google says the same thing with several status codes, and several things with one. The machine-readable reason
decides, the status only where there is none. Source: facts of the Gmail, Calendar and People error guides.
"""

import datetime as dt
from http import HTTPStatus

from kernel.errors import AppError


class GoogleError(AppError):
    """Google did not do what was asked."""

    code = "google_failed"
    status = HTTPStatus.BAD_GATEWAY
    sentence = "Google did not answer as expected. We will try again."
    retry = True


class Transient(GoogleError):  # noqa: N818 -- read as the state it reports
    """Trying again later helps: a fault of Google's, a broken connection, a time-out."""

    code = "google_unavailable"
    status = HTTPStatus.SERVICE_UNAVAILABLE
    sentence = "Google does not answer at present. We will try again."


class Throttled(Transient):
    """Google, or our own meter, asks to wait: until a moment, or for so many seconds."""

    code = "google_throttled"
    sentence = "Google asks us to slow down. We go on as soon as it allows."

    def __init__(self, *, after_s: float | None = None, until: dt.datetime | None = None) -> None:
        self.after_s = after_s
        self.until = until
        super().__init__()

    def wait_s(self, now: dt.datetime, default: float) -> float:
        """Return for how long to wait from `now`."""
        if self.until is not None:
            return max(1.0, (self.until - now).total_seconds())
        return default if self.after_s is None else self.after_s


class Paced(Throttled):
    """Our own meter asks to wait, so that Google need not: nothing was sent."""

    code = "google_paced"
    sentence = "This account's share of Google's quota is used up for the moment. We go on within a minute."


class DailyLimit(Transient):
    """The project's quota of the day is used up."""

    code = "google_daily_limit"
    sentence = "Google's daily limit for this product is reached. We go on when it is lifted."


class AuthFailed(GoogleError):  # noqa: N818 -- read as the state it reports
    """The access was withdrawn, or has run out: its owner must connect again."""

    code = "google_access_lost"
    status = HTTPStatus.UNAUTHORIZED
    sentence = "Google no longer accepts this connection. Connect the account again."
    retry = False


class ScopeMissing(GoogleError):  # noqa: N818 -- read as the state it reports
    """The access does not cover what was asked."""

    code = "google_scope_missing"
    status = HTTPStatus.FORBIDDEN
    sentence = "Google says that this was not allowed. Connect it again and tick its box."
    retry = False


class Gone(GoogleError):  # noqa: N818 -- read as the state it reports
    """The item asked for is not there any more."""

    code = "google_item_gone"
    status = HTTPStatus.NOT_FOUND
    sentence = "Google no longer has this."
    retry = False


class CursorExpired(GoogleError):  # noqa: N818 -- read as the state it reports
    """Our place in Google's list of changes is too old: everything must be listed again."""

    code = "google_cursor_expired"
    sentence = "Google no longer knows our place in its list. Everything is compared once more."


class Terminal(GoogleError):  # noqa: N818 -- read as the state it reports
    """Asking again gives the same refusal until somebody changes something."""

    code = "google_refused"
    sentence = "Google refuses this request."
    retry = False


class NotACalendarUser(Terminal):
    """The account has no Calendar."""

    code = "google_no_calendar"
    sentence = "This Google account has no Calendar. Open calendar.google.com once, then try again."


class DomainPolicy(Terminal):
    """The administrators of the Google Workspace do not allow this product."""

    code = "google_domain_policy"
    sentence = "The administrators of this Google Workspace do not allow this product. Ask them to allow it."


class AccessNotConfigured(Terminal):
    """The Google Cloud project of this installation has the API switched off."""

    code = "google_api_disabled"
    sentence = "This API is switched off in the Google Cloud project. The operator can enable it there."


class MailNotEnabled(Terminal):
    """The account has no Gmail."""

    code = "google_no_mail"
    sentence = "This Google account has no Gmail."


class ClientRefused(Terminal):
    """Google does not accept our own client id or secret."""

    code = "google_client_refused"
    sentence = "Google does not accept this installation's client. The operator must check its id and secret."


class AnswerTooLarge(Terminal):
    """Google's answer is over the limit of its kind; it was not read to its end."""

    code = "google_answer_too_large"
    sentence = "Google's answer is too large to be taken."
