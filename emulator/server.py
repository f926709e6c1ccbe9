"""Putting the parts together: the application, the process, and an emulator inside a test."""

from __future__ import annotations

import contextlib
import signal
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import Flask, request

from emulator import addon_host, batch, calendars, control, kms, pages, people, service_accounts
from emulator.gmail.routes import blueprint as gmail
from emulator.listener import CannotListen, Listener
from emulator.oauth.routes import blueprint as oauth
from emulator.refusals import Refusal, not_found
from emulator.state import State, open_state
from emulator.takeout import folder
from emulator.wire import json_answer, render

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Response

    from emulator.clock import Clock
    from emulator.config import Config
    from emulator.store import Store

_LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
_BLUEPRINTS = (
    oauth,
    gmail,
    calendars.blueprint,
    people.blueprint,
    batch.blueprint,
    control.blueprint,
    addon_host.blueprint,
    pages.blueprint,
    service_accounts.blueprint,
    kms.blueprint,
)


@dataclass(frozen=True)
class Running:
    """An emulator that is answering."""

    url: str
    state: State
    _listener: Listener

    @property
    def store(self) -> Store:
        """What it remembers."""
        return self.state.store

    @property
    def clock(self) -> Clock:
        """Its time."""
        return self.state.clock

    def stop(self) -> None:
        """Close the port and everything that was open; the state folder stays."""
        self._listener.shutdown()
        self._listener.server_close()
        self.state.store.close()


def create_emulator(config: Config) -> Flask:
    """Give the application, its mailbox loaded.

    Raises:
        folder.NothingToLoad: when the Takeout folder is missing or holds nothing.
    """
    app = Flask(__name__, static_folder=None)
    state = open_state(config)
    app.extensions["emulator"] = state
    app.json.sort_keys = False  # type: ignore[attr-defined]  # set on Flask's default provider
    for blueprint in _BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.before_request(_refuse_strangers)
    app.register_error_handler(404, _unknown_path)
    app.register_error_handler(500, _broken)
    app.wsgi_app = _MethodOverride(app.wsgi_app)  # type: ignore[method-assign]  # Flask's documented way
    try:
        folder.load(state)
    except BaseException:
        state.store.close()
        raise
    return app


@contextlib.contextmanager
def running(config: Config) -> Iterator[Running]:
    """Have an emulator answer from a thread of this process while the block runs."""
    app = create_emulator(config)
    listener = Listener(config.port, app)
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    here = Running(listener.url, app.extensions["emulator"], listener)
    try:
        yield here
    finally:
        here.stop()
        thread.join()


def serve(config: Config) -> None:
    """Answer until SIGTERM or SIGINT; print one line when the port is open.

    Raises:
        folder.NothingToLoad: as `create_emulator`.
        CannotListen: when the port cannot be had.
    """
    app = create_emulator(config)
    try:
        listener = Listener(config.port, app)
    except CannotListen:
        app.extensions["emulator"].store.close()
        raise

    def end(*_: object) -> None:
        # shutdown() waits for serve_forever, which runs in this very thread.
        threading.Thread(target=listener.shutdown).start()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    print(f"ready {listener.url}", flush=True)  # noqa: T201 -- the one line that whoever started us waits for
    listener.serve_forever(poll_interval=0.2)
    listener.server_close()
    app.extensions["emulator"].store.close()


def _refuse_strangers() -> Response | None:
    """Keep pages of other sites away from a mailbox that may be its owner's real one.

    Another name for this address (DNS rebinding) is refused; so is a form sent from another origin; and the
    control API takes JSON only, which a foreign page cannot send without asking first.
    """
    if urlsplit(f"//{request.host}").hostname not in _LOOPBACK_NAMES:
        return json_answer({"error": "This emulator answers on loopback names only."}, 421)
    if request.method in {"GET", "HEAD", "OPTIONS"}:
        return None
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        return json_answer({"error": "This came from a page of another origin."}, 403)
    if request.path.startswith("/_control/") and request.method != "DELETE" and not request.is_json:
        return json_answer({"error": "Send application/json."}, 415)
    return None


def _unknown_path(_: Exception) -> Response:
    refusal = not_found()
    return render(Refusal(404, refusal.reason, "Not Found"), "gmail")


def _broken(_: Exception) -> Response:
    # Flask has written the trace to stderr; the client is told what Google tells.
    return render(Refusal(500, "backendError", "Internal error encountered."), "gmail")


class _MethodOverride:
    """Turns the POST that Google's clients send instead of a very long GET back into a GET."""

    def __init__(self, application: Any) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        if environ.get("HTTP_X_HTTP_METHOD_OVERRIDE", "").upper() == "GET":
            form = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()
            pairs = parse_qsl(environ.get("QUERY_STRING", "")) + parse_qsl(form, keep_blank_values=True)
            environ.update(REQUEST_METHOD="GET", QUERY_STRING=urlencode(pairs), CONTENT_LENGTH="0")
        return self._application(environ, start_response)
