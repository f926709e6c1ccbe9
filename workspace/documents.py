"""Google's own discovery documents, re-rooted: every call is made from them and checked against them.

The client library can be given another endpoint, but its batch and upload addresses then still name Google's
own hosts. So the bundled document itself is given the configured root, once a process; what the library builds from
it is not its request object but a `Call`, which our transport carries.
"""

import functools
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from googleapiclient import discovery, discovery_cache

# The stubs of the library know neither of the two.
_library_document: Any = discovery_cache.get_static_doc
_build: Any = discovery.build_from_document  # type: ignore[attr-defined]  # the stubs lack it


class Api(StrEnum):
    """One of Google's APIs."""

    GMAIL = "gmail"
    CALENDAR = "calendar"
    PEOPLE = "people"


_VERSIONS = {Api.GMAIL: "v1", Api.CALENDAR: "v3", Api.PEOPLE: "v1"}


@dataclass(frozen=True, slots=True)
class Call:
    """One request: what it is called at Google (`gmail.users.messages.get`), and where it goes."""

    method_id: str
    uri: str
    method: str = "GET"
    body: bytes | None = None
    content_type: str | None = None


class _Unconnected:
    """Stands where the library wants a connection; it has none to use."""

    credentials = None


def _as_call(_http: object, _read: object, uri: str, **made: Any) -> Call:
    """Return what the library would have sent, instead of a request that sends itself."""
    body = made.get("body")
    return Call(str(made["methodId"]), uri, str(made["method"]), None if body is None else str(body).encode())


@functools.lru_cache(maxsize=16)
def _document(api: Api, root: str) -> dict[str, Any]:
    text = _library_document(str(api), _VERSIONS[api])
    if text is None:  # the wheel was stripped of it
        msg = f"the client library lacks its document of {api}"
        raise RuntimeError(msg)
    document: dict[str, Any] = json.loads(text)
    document["rootUrl"] = root
    document["baseUrl"] = root + str(document["servicePath"])
    document.pop("mtlsRootUrl", None)
    return document


@functools.lru_cache(maxsize=16)
def service(api: Api, root: str) -> Any:
    """Return the resource of an API under `root` (which ends with a slash); its methods return a `Call`."""
    return _build(_document(api, root), http=_Unconnected(), requestBuilder=_as_call)


def batch_uri(api: Api, root: str) -> str:
    """Return where batches of an API go."""
    return root + str(_document(api, root)["batchPath"])


def rooted(url: str) -> str:
    """Return a root address with exactly one slash at its end."""
    return url.rstrip("/") + "/"
