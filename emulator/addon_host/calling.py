"""Calling the add-on, as the server of Gmail or Calendar does, and judging what comes back.

The call goes to addresses below the configured one alone. What a person would see as "the add-on could not be loaded"
is a `Called` with problems and no cards; the host itself never fails over an add-on's answer.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
import requests

from emulator.addon_host.envelope import CLICK, TRIGGER, Reply, read_reply
from emulator.addon_host.events import Calling, event_object
from emulator.state import current

if TYPE_CHECKING:
    from requests import Response

HOME_PATH = "/addon/home"
MESSAGE_PATH = "/addon/gmail/message"
EVENT_PATH = "/addon/calendar/event"
_TRIGGERS = frozenset({HOME_PATH, MESSAGE_PATH, EVENT_PATH})
_TIMEOUT_S = 30
_OK = 200


class NoAddon(Exception):  # noqa: N818 -- the name says it
    """No add-on is configured, or an address is not below it."""


@dataclass(frozen=True)
class Called:
    """One call and its answer. `status` is 0 when there was none; `ms` is what the add-on took."""

    url: str
    status: int
    ms: float
    response: Any
    reply: Reply

    @property
    def valid(self) -> bool:
        """True when Google would show it."""
        return not self.reply.problems


def base_url() -> str:
    """Give the add-on's address.

    Raises:
        NoAddon: when this emulator plays host to none.
    """
    base = current().config.addon_url
    if not base:
        raise NoAddon("This local Google was started without an add-on: give it --addon-url.")
    return base.rstrip("/")


def address_of(path_or_url: str) -> str:
    """Give the full address of a path or an action's function.

    Raises:
        NoAddon: when it is not below the add-on's own address.
    """
    base = base_url()
    url = base + path_or_url if path_or_url.startswith("/") else path_or_url
    if not url.startswith(f"{base}/"):
        raise NoAddon("The address is not below the add-on's own.")
    return url


def call(calling: Calling, path_or_url: str) -> Called:
    """Have the add-on called once, and its answer judged."""
    url = address_of(path_or_url)
    path = url.removeprefix(base_url()).partition("?")[0]
    body, token = event_object(calling, url)
    began = time.perf_counter()
    try:
        answer = requests.post(
            url,
            data=orjson.dumps(body),
            headers={
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/json; charset=utf-8",
                "User-Agent": "Google-Gsuite-Addons",
            },
            timeout=_TIMEOUT_S,
            allow_redirects=False,
        )
    except requests.RequestException as error:
        ms = (time.perf_counter() - began) * 1000
        return Called(url, 0, ms, None, Reply(problems=[f"The add-on did not answer: {type(error).__name__}."]))
    ms = (time.perf_counter() - began) * 1000
    clicked = calling.clicked or bool(calling.parameters or calling.form_inputs) or path not in _TRIGGERS
    parsed, reply = _judge(answer, CLICK if clicked else TRIGGER)
    return Called(url, answer.status_code, ms, parsed, reply)


def _judge(answer: Response, kind: str) -> tuple[Any, Reply]:
    problems = []
    if answer.status_code != _OK:
        problems.append(f"The add-on answered with status {answer.status_code}.")
    if answer.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
        problems.append("The answer's content type is not application/json.")
    try:
        parsed = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return None, Reply(problems=[*problems, "The answer is not JSON."])
    if problems:
        return parsed, Reply(problems=problems)
    return parsed, read_reply(kind, parsed, base_url(), len(answer.content))
