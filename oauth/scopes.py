"""Scopes: what is asked at Google, by canonical names, so that what was granted can be compared.

Signing in asks for identity alone. Each *feature* is one Google product and the one read-only scope asked for it,
when the feature is first used and not before.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from limited_use.labels import Source

_ROOT: Final = "https://www.googleapis.com/auth/"
IDENTITY: Final = ("openid", f"{_ROOT}userinfo.email", f"{_ROOT}userinfo.profile")

FEATURES: Final[Mapping[str, str]] = MappingProxyType(
    {
        Source.GMAIL.value: f"{_ROOT}gmail.readonly",
        Source.CALENDAR.value: f"{_ROOT}calendar.readonly",
        Source.CONTACTS.value: f"{_ROOT}contacts.readonly",
    }
)

NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {Source.GMAIL.value: "Gmail", Source.CALENDAR.value: "Calendar", Source.CONTACTS.value: "Contacts"}
)

_ALIASES: Final = {"email": f"{_ROOT}userinfo.email", "profile": f"{_ROOT}userinfo.profile"}


def canonical(scopes: Iterable[str]) -> list[str]:
    """Return the scopes by their full names, each once, sorted."""
    return sorted({_ALIASES.get(scope, scope) for scope in scopes})


def features_of(scopes: Iterable[str]) -> list[str]:
    """Return the features that these scopes allow, in the order in which we present them."""
    granted = set(scopes)
    return [feature for feature, scope in FEATURES.items() if scope in granted]
