"""Landlock: the kernel lets this process connect to a few TCP ports only, whatever code of it asks, C code included.

What the tripwire does not see (libpq, gRPC, a native library) this stops, without privileges and for good: threads and
children begun later are confined, too. It knows ports, not hosts: data could still go to port 443 of anybody, and it
says nothing of UDP. It needs Linux 6.7 (Landlock's ABI 4); elsewhere it is not there, and `doctor` says so.
Source: kernel documentation, userspace-api/landlock; include/uapi/linux/landlock.h.
"""

import ctypes
import os
import sys
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from kernel.settings import Settings
from limited_use.egress.registry import for_settings
from limited_use.egress.tripwire import Own
from limited_use.egress.user_urls import PORTS

NEEDED_ABI = 4
_DNS_PORT = 53  # answers that do not fit into a datagram
_PROXY_PORT = 3128

_CREATE_RULESET: Final = 444  # the same on every architecture
_ADD_RULE: Final = 445
_RESTRICT_SELF: Final = 446
_ASK_VERSION: Final = 1
_RULE_NET_PORT: Final = 2
_CONNECT_TCP: Final = 1 << 1
_PR_SET_NO_NEW_PRIVS: Final = 38


@dataclass(frozen=True, slots=True)
class Confinement:
    """How this process stands: the kernel's ABI (0: none), the ports it may connect to, or why it is not confined."""

    abi: int
    ports: tuple[int, ...] = ()
    why_not: str = ""


class _Process:
    """What was done to this process; it cannot be undone."""

    state: Confinement | None = None


class _Ruleset(ctypes.Structure):
    _fields_ = (("handled_access_fs", ctypes.c_uint64), ("handled_access_net", ctypes.c_uint64))


class _NetPort(ctypes.Structure):
    _fields_ = (("allowed_access", ctypes.c_uint64), ("port", ctypes.c_uint64))


def abi() -> int:
    """Return the kernel's Landlock version, 0 where there is none."""
    if sys.platform != "linux":
        return 0
    return max(0, _call(_CREATE_RULESET, None, 0, _ASK_VERSION))


def ports_of(settings: Settings) -> tuple[int, ...]:
    """Return the TCP ports that an installation connects to: its own services, and the proxy or the outside."""
    registry = for_settings(settings)
    ports = {port for _, port in Own.of(settings).places}
    proxy = urlsplit(settings.egress_proxy)
    if settings.egress_proxy:
        ports |= {proxy.port or _PROXY_PORT} if proxy.scheme == "http" else set()
        ports |= {port for _, port in registry.direct}
    else:
        ports |= {_DNS_PORT, *PORTS, *(port for _, port in registry.places)}
    return tuple(sorted(ports))


def confine(settings: Settings) -> Confinement:
    """This process connects to the ports of `ports_of` only from now on, where the kernel can hold it to that."""
    if _Process.state is None or not _Process.state.ports:
        _Process.state = _confine(settings)
    return _Process.state


def confinement() -> Confinement:
    """Return how this process stands."""
    return _Process.state or Confinement(abi(), why_not="this program did not ask for it")


def _confine(settings: Settings) -> Confinement:
    found = abi()
    if not settings.egress_landlock:
        return Confinement(found, why_not="EGRESS_LANDLOCK is 0")
    if settings.egress_loopback:
        return Confinement(found, why_not="EGRESS_LOOPBACK lets webhooks go to any port of this machine")
    if found < NEEDED_ABI:
        return Confinement(found, why_not="the kernel has no Landlock for the network (Linux 6.7)")
    ports = ports_of(settings)
    try:
        _restrict(ports)
    except OSError as error:
        return Confinement(found, why_not=f"the kernel refused it (error {error.errno})")
    return Confinement(found, ports)


def _restrict(ports: tuple[int, ...]) -> None:
    rules = _Ruleset(0, _CONNECT_TCP)
    handle = _done(_call(_CREATE_RULESET, ctypes.byref(rules), ctypes.sizeof(rules), 0))
    try:
        for port in ports:
            rule = _NetPort(_CONNECT_TCP, port)
            _done(_call(_ADD_RULE, handle, _RULE_NET_PORT, ctypes.byref(rule), 0))
        _done(_libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        _done(_call(_RESTRICT_SELF, handle, 0))
    finally:
        os.close(handle)


def _call(number: int, *arguments: object) -> int:
    # Each argument as wide as a register: a variadic function would read 32 bits of a plain int.
    wide = [one if not isinstance(one, int) else ctypes.c_long(one) for one in arguments]
    return int(_libc().syscall(ctypes.c_long(number), *wide))


def _libc() -> ctypes.CDLL:
    made = ctypes.CDLL(None, use_errno=True)
    made.syscall.restype = ctypes.c_long
    return made


def _done(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
