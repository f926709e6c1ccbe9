"""The one way out: a registry of outside destinations, and the one HTTP client that every request of ours goes through.

Terms:
    destination: an entry of `registry.toml`: who it is, which hosts, what goes there, why, under what terms.
    user-given address: an https address that somebody typed, such as a webhook's. It names no registered host, so it is
        held to rules of its own: a public name, every address of it public, connected to as it was checked.
    reaching: to be about to connect to one host and port, by leave of this package; the tripwire of each process
        stops every other connection of Python's.
"""

from limited_use.egress.client import Answer, Client, EgressAnswer, client
from limited_use.egress.errors import EgressRefused, RegistryError
from limited_use.egress.landlock import confine, confinement
from limited_use.egress.reports import begin as report
from limited_use.egress.tripwire import is_watching, watch

__all__ = [
    "Answer",
    "Client",
    "EgressAnswer",
    "EgressRefused",
    "RegistryError",
    "client",
    "confine",
    "confinement",
    "is_watching",
    "report",
    "watch",
]
