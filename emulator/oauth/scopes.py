"""Scopes: their canonical names, which of them belong to signing in, and the sentence a person is shown."""

from __future__ import annotations

from emulator import discovery

_PREFIX = "https://www.googleapis.com/auth/"
_ALIASES = {"email": f"{_PREFIX}userinfo.email", "profile": f"{_PREFIX}userinfo.profile"}
IDENTITY = frozenset({"openid", *_ALIASES.values()})
"""Scopes of signing in; they have no checkbox."""

_APIS = ("gmail", "calendar", "people")
_SENTENCES = {
    f"{_PREFIX}gmail.addons.execute": "Run as a Gmail add-on",
    f"{_PREFIX}gmail.addons.current.message.metadata": "View your email message metadata when the add-on is running",
    f"{_PREFIX}gmail.addons.current.message.readonly": "View your email messages when the add-on is running",
    f"{_PREFIX}calendar.addons.execute": "Run as a Calendar add-on",
}


def canonical(scopes: str) -> tuple[str, ...]:
    """Give the scopes of a space separated list by their full names, each once, in the order asked."""
    return tuple(dict.fromkeys(_ALIASES.get(scope, scope) for scope in scopes.split()))


def unknown(scopes: tuple[str, ...]) -> list[str]:
    """Give those scopes that this Google has never heard of."""
    return [scope for scope in scopes if scope not in IDENTITY and sentence(scope) is None]


def sentence(scope: str) -> str | None:
    """Give the sentence by which Google describes a scope, None for an unknown one."""
    for api in _APIS:
        found = discovery.scopes(api).get(scope)
        if found:
            return found
    return _SENTENCES.get(scope)


def ordered(scopes: frozenset[str]) -> tuple[str, ...]:
    """Give scopes in the order in which a token answer lists them: not the order in which they were asked."""
    return tuple(sorted(scopes, key=lambda scope: (scope == "openid", scope)))
