"""Mail addresses as text: one form for equality, their registrable domain, and what kind of mailbox they name.

Pure: intake uses it while the plaintext is at hand, the query side when a user typed it. The *normal form* is what
blind indexes are made of, never what is shown: lower case, NFC, the domain in IDNA's ASCII form. Plus-tags and dots
stay distinct, save at Gmail itself, where Google says that they name one mailbox.
"""

import functools
import re
import unicodedata

import idna
from publicsuffixlist import PublicSuffixList

from crm.address_lists import FREE_MAIL, ROBOT_DOMAINS, ROBOT_NAMES, ROBOT_PARTS, ROBOT_PREFIXES, ROLES

LONGEST = 320
_GMAIL = frozenset({"gmail.com", "googlemail.com"})
_SPACES = re.compile(r"[\s\x00-\x1f\x7f]")
_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
_ANGLE = re.compile(r"<([^<>]*)>")
_MAILTO = re.compile(r"mailto:([^?>\s]+)", re.IGNORECASE)


# RFC 2606, RFC 6762 and what firms use within their walls: no public suffix, yet companies to their members.
_PRIVATE = frozenset({"example", "test", "invalid", "local", "internal", "lan", "corp", "intranet"})


@functools.cache
def _listed() -> PublicSuffixList:
    return PublicSuffixList(accept_unknown=False)


@functools.cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def normalise(text: str) -> str | None:
    """Return the normal form of an address, or None when the text is not one."""
    text = unicodedata.normalize("NFC", text).strip()
    local, at, domain = text.rpartition("@")
    if not at or not local or len(text) > LONGEST or _SPACES.search(text):
        return None
    host = ascii_domain(domain)
    if host is None:
        return None
    local = unicodedata.normalize("NFC", local.strip('"').lower())
    if host in _GMAIL:
        local, host = local.partition("+")[0].replace(".", ""), "gmail.com"
    return f"{local}@{host}" if local else None


@functools.lru_cache(maxsize=4096)
def ascii_domain(domain: str) -> str | None:
    """Return the domain in lower-case ASCII (IDNA 2008, UTS 46), or None when it cannot be one."""
    domain = unicodedata.normalize("NFC", domain).strip().rstrip(".").lower()
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except idna.IDNAError:
            return None
    return domain if _HOST.fullmatch(domain) else None


def domain_of(address: str) -> str:
    """Return the domain of a normal form."""
    return address.rpartition("@")[2]


@functools.lru_cache(maxsize=4096)
def registrable(domain: str) -> str | None:
    """Return the registrable domain (acme.co.uk of mail.acme.co.uk); None for a bare host or a public suffix.

    Source: the Public Suffix List, private section included, so that a tenant of a shared host is its own company.
    """
    host = ascii_domain(domain)
    if host is None:
        return None
    found: str | None = _suffixes().privatesuffix(host)
    return found


def has_known_suffix(domain: str) -> bool:
    """Tell whether the text ends as a domain does: in a listed public suffix, or one kept for private use."""
    host = ascii_domain(domain)
    if host is None or "." not in host:
        return False
    return host.rpartition(".")[2] in _PRIVATE or _listed().publicsuffix(host) is not None


def company_domain(address: str) -> str | None:
    """Return the registrable domain that stands for a company; None for free mail and for what is no company."""
    domain = domain_of(address)
    if is_free_mail(domain) or _is_machine(domain):
        return None
    return registrable(domain)


@functools.lru_cache(maxsize=4096)
def is_free_mail(domain: str) -> bool:
    """Tell whether the domain is a public mail provider, whose users have nothing in common."""
    host = ascii_domain(domain) or ""
    return host in FREE_MAIL or registrable(host) in FREE_MAIL


def is_role(address: str) -> bool:
    """Tell whether the address names a function (info@, sales@) and not a person."""
    local = _bare_local(address)
    return local in ROLES or local.rstrip("0123456789") in ROLES or local.replace("-", "") in ROLES


def is_robot(address: str) -> bool:
    """Tell whether the address is a machine's (no-reply@, mailer-daemon@, a meeting room, a bounce path)."""
    whole = address.lower().rpartition("@")[0]
    local = _bare_local(address)
    return (
        local in ROBOT_NAMES
        or any(part in whole for part in ROBOT_PARTS)
        or whole.startswith(ROBOT_PREFIXES)
        or whole.endswith(("-bounces", "-noreply", "-request", "-owner", "-errors"))
        or _is_machine(domain_of(address.lower()))
    )


def _bare_local(address: str) -> str:
    return address.lower().rpartition("@")[0].partition("+")[0]


def _is_machine(domain: str) -> bool:
    return any(domain == robot or domain.endswith(f".{robot}") for robot in ROBOT_DOMAINS)


def list_addresses(list_post: str | None, list_id: str | None) -> frozenset[str]:
    """Return the normal forms under which a mailing list takes mail, from its List-Post and List-Id headers.

    A List-Id `<name.lists.example>` stands for name@lists.example too (RFC 2919 §2 recommends just that form).
    """
    found = {normalise(match) for match in _MAILTO.findall(list_post or "")}
    for inner in _ANGLE.findall(list_id or "") or [list_id or ""]:
        name, dot, host = inner.strip().partition(".")
        if dot and name and host:
            found.add(normalise(f"{name}@{host}"))
    return frozenset(address for address in found if address)
