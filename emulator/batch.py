"""Batches: many calls in one multipart request, each answered by itself.

A part is sent through the same application as a call of its own, with its own headers, so that it meets
the same checks, faults and quota. Imitates: developers.google.com/workspace/gmail/api/guides/batch.
Differs from Google: parts run one after the other, and answers come in the order of the parts.
"""

from __future__ import annotations

import io
import secrets
from email.parser import BytesHeaderParser
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from flask import Blueprint, Response, current_app, request
from werkzeug.http import parse_options_header

from emulator import faults, refusals
from emulator.refusals import Refusal
from emulator.state import current
from emulator.wire import BATCHED, DROP, render, retry_at, spoil

if TYPE_CHECKING:
    from collections.abc import Iterator

blueprint = Blueprint("batch", __name__)

_PATHS = ("/batch", "/batch/gmail/v1", "/batch/calendar/v3", "/batch/people/v1")
_LIMIT = 100
_REFUSALS_OF_ALL = "gmail.users.messages.list"


def _batch() -> Response:
    state = current()
    fault = state.faults.take("batch")
    if fault is not None:
        refusal = faults.refusal_of(fault, _REFUSALS_OF_ALL, retry_at(state, fault))
        if refusal is not None:
            return render(refusal, "gmail")
        spoiled = spoil(fault)
        if spoiled is not None:
            return spoiled
    try:
        parts = list(_parts())
        if len(parts) > _LIMIT:
            raise refusals.invalid(f"Inner request count exceeds the limit. Received: {len(parts)}, Limit: {_LIMIT}")
        answer = _multipart([_run(head, content) for head, content in parts])
    except Refusal as refusal:
        return render(refusal, "gmail")
    if fault is not None and fault.name == "drop_after":
        request.environ[DROP] = True
    return answer


for _number, _path in enumerate(_PATHS):
    blueprint.add_url_rule(_path, f"batch{_number}", _batch, methods=["POST"])


def _parts() -> Iterator[tuple[dict[str, str], bytes]]:
    kind, options = parse_options_header(request.content_type)
    boundary = options.get("boundary", "")
    if kind != "multipart/mixed" or not boundary:
        raise refusals.invalid("Failed to parse batch request, error: Missing batch boundary.")
    body = b"\r\n" + request.get_data().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    pieces = body.split(b"\r\n--" + boundary.encode())
    for piece in pieces[1:]:
        if piece.startswith(b"--"):
            return
        head, _, content = piece.lstrip(b"\r\n").partition(b"\r\n\r\n")
        yield _headers(head), content.lstrip(b"\r\n")


def _headers(head: bytes) -> dict[str, str]:
    return {name.lower(): str(value) for name, value in BytesHeaderParser().parsebytes(head).items()}


def _run(head: dict[str, str], content: bytes) -> tuple[str, bytes]:
    line, _, rest = content.partition(b"\r\n")
    words = line.decode("latin-1").split()
    if len(words) < 2:  # noqa: PLR2004 -- verb and target
        raise refusals.invalid("Failed to parse batch request, error: Failed to parse the inner request line.")
    inner_head, _, body = rest.partition(b"\r\n\r\n")
    inner = _headers(inner_head)
    # A part without a token of its own speaks with the token of the whole request.
    if "authorization" not in inner and request.headers.get("Authorization"):
        inner["authorization"] = request.headers["Authorization"]
    return head.get("content-id", ""), _call(words[0], words[1], inner, body)


def _call(verb: str, target: str, headers: dict[str, str], body: bytes) -> bytes:
    split = urlsplit(target)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": verb.upper(),
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(split.path, "latin-1"),
        "QUERY_STRING": split.query,
        "SERVER_NAME": request.environ["SERVER_NAME"],
        "SERVER_PORT": request.environ["SERVER_PORT"],
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": request.host,
        "CONTENT_TYPE": headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": request.environ["wsgi.errors"],
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        BATCHED: True,
    }
    for name, value in headers.items():
        if name not in {"content-type", "content-length", "host"}:
            environ["HTTP_" + name.upper().replace("-", "_")] = value
    answer: list[str] = []

    def start_response(status: str, fields: list[tuple[str, str]], _: Any = None) -> Any:
        answer.append(f"HTTP/1.1 {status}")
        answer.extend(f"{name}: {value}" for name, value in fields)

    payload = b"".join(current_app.wsgi_app(environ, start_response))
    if environ.get(DROP):
        # A single part cannot lose its connection; Google answers such a part with an error.
        status = HTTPStatus.SERVICE_UNAVAILABLE
        return f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Length: 0\r\n\r\n".encode()
    return ("\r\n".join(answer) + "\r\n\r\n").encode("latin-1") + payload


def _multipart(answers: list[tuple[str, bytes]]) -> Response:
    boundary = f"batch_{secrets.token_urlsafe(24)}"
    pieces: list[bytes] = []
    for content_id, answer in answers:
        name = "<response-" + content_id.removeprefix("<")
        pieces.append(f"--{boundary}\r\nContent-Type: application/http\r\nContent-ID: {name}\r\n\r\n".encode() + answer)
    body = b"\r\n".join(pieces) + f"\r\n--{boundary}--\r\n".encode()
    return Response(body, 200, content_type=f"multipart/mixed; boundary={boundary}")
