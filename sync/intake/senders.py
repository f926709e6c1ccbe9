"""What tells a machine or a crowd from a person, by the headers that they set. Pure.

Source: RFC 2919 (List-Id), RFC 2369 (List-*), RFC 3834 (Auto-Submitted), Microsoft's X-Auto-Response-Suppress, and the
Feedback-ID that bulk senders set for Gmail.
"""

from collections.abc import Mapping

_CROWD = ("list-id", "list-unsubscribe", "list-post", "feedback-id", "x-campaign-id")
_CROWD_WORDS = frozenset({"bulk", "list", "junk"})
_MACHINE = ("x-autoreply", "x-autorespond", "x-failed-recipients")
_MACHINE_WORDS = frozenset({"auto_reply", "auto-reply"})


def is_bulk(headers: Mapping[str, list[str]]) -> bool:
    """Tell whether the message went to many."""
    return any(name in headers for name in _CROWD) or _word(headers, "precedence") in _CROWD_WORDS


def is_auto(headers: Mapping[str, list[str]]) -> bool:
    """Tell whether a machine sent it: an answer out of office, a bounce, a notice."""
    if any(name in headers for name in _MACHINE) or _word(headers, "precedence") in _MACHINE_WORDS:
        return True
    if "auto-submitted" in headers and _word(headers, "auto-submitted") != "no":
        return True
    if _word(headers, "x-auto-response-suppress") not in ("", "none"):
        return True
    return _word(headers, "return-path") == "<>"


def _word(headers: Mapping[str, list[str]], name: str) -> str:
    """Return a header's first word, lower case."""
    values = headers.get(name)
    return values[0].partition(";")[0].strip().lower() if values else ""
