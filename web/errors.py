"""Errors on their way out: one table, three renderers.

Every error becomes a page, a JSON body or an add-on card, chosen by the surface that was asked. Errors of ours
carry their own code and sentence; Flask's are mapped onto the same form; anything else is `internal`: logged by its
type and place, never by its message, which may hold content.
"""

import logging
import secrets
import traceback
from http import HTTPStatus
from urllib.parse import quote

from flask import Flask, Response, jsonify, redirect, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from addon import envelope
from kernel.errors import AppError, BadInput, NotFound, NotSignedIn, TooLarge
from web.render import error_page

_log = logging.getLogger(__name__)
_FRAMES = 8


class MethodNotAllowed(AppError):  # noqa: N818 -- read as the state it reports
    """The address exists, not for this method."""

    code = "method_not_allowed"
    status = HTTPStatus.METHOD_NOT_ALLOWED
    sentence = "This address cannot be used in this way."


class TooMany(AppError):  # noqa: N818 -- as above
    """The caller asked too often."""

    code = "too_many_requests"
    status = HTTPStatus.TOO_MANY_REQUESTS
    sentence = "That was too often in too short a time. Wait a minute and try again."
    retry = True


class FormExpired(AppError):  # noqa: N818 -- as above
    """A form came without the token that only our own pages carry."""

    code = "form_expired"
    status = HTTPStatus.BAD_REQUEST
    sentence = "This form is no longer good: it was open too long, or came from elsewhere. Load the page again."


class BadRequest(AppError):  # noqa: N818 -- as above
    """The request cannot be understood."""

    code = "bad_request"
    status = HTTPStatus.BAD_REQUEST
    sentence = "This request cannot be understood."


_BY_STATUS: dict[int, type[AppError]] = {
    400: BadRequest,
    404: NotFound,
    405: MethodNotAllowed,
    413: TooLarge,
    422: BadInput,
    429: TooMany,
}


def install(app: Flask) -> None:
    """Make every error of the application leave through its surface's renderer."""
    app.register_error_handler(AppError, _answer_ours)
    app.register_error_handler(CSRFError, lambda _error: answer(FormExpired()))
    app.register_error_handler(HTTPException, _answer_http)
    app.register_error_handler(Exception, _answer_unknown)


def answer(error: AppError) -> AnyResponse:
    """Return the error in the form of the surface that was asked."""
    if request.path.startswith("/addon/"):
        return _card(error)
    if request.path.startswith("/api/"):
        return _json(error)
    if isinstance(error, NotSignedIn) and request.method == "GET":
        return redirect("/?next=" + _here(), code=303)
    return error_page(error)


def _here() -> str:
    """Return where to go on after signing in, without what was asked for there: addresses end up in others' logs."""
    return quote(request.path, safe="/")


def _json(error: AppError) -> Response:
    response = jsonify(error.as_dict())
    response.status_code = error.status
    return response


def _card(error: AppError) -> Response:
    """Return an error card. The host shows its own bare error for any status but 200, save where a caller failed."""
    response = jsonify(envelope.failure(error, request.path))
    response.status_code = error.status if error.status == HTTPStatus.UNAUTHORIZED else HTTPStatus.OK
    response.headers["X-Error-Code"] = error.code
    return response


def _answer_ours(error: AppError) -> AnyResponse:
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("answer failed", extra={"code": error.code, "endpoint": request.endpoint})
    return answer(error)


def _answer_http(error: HTTPException) -> AnyResponse:
    status = error.code or 500
    if status < HTTPStatus.BAD_REQUEST:  # a redirect that the router raises
        return error.get_response()
    return answer(_BY_STATUS.get(status, BadRequest if status < 500 else AppError)())  # noqa: PLR2004 -- 4xx, 5xx


def _answer_unknown(error: Exception) -> AnyResponse:
    reference = secrets.token_hex(4)
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    _log.error(
        "answer failed",
        extra={
            "code": AppError.code,
            "reference": reference,
            "endpoint": request.endpoint,
            "error": type(error).__name__,
            "at": [f"{frame.filename}:{frame.lineno}" for frame in frames],
        },
    )
    return answer(AppError(f"{AppError.sentence} If it happens again, tell us this number: {reference}."))
