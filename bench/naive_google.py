"""The peer of the import: Google's own client, as its guides use it, fetching every message and keeping nothing.

A process of its own, so that its CPU time is its own; started as `python -m bench.naive_google ROOT`, with the access
token on standard input. It prints the messages it fetched and the CPU seconds that took, its imports left out.
"""

import json
import resource
import sys
from typing import Any

import httplib2
from google.oauth2.credentials import Credentials
from google_auth_httplib2 import AuthorizedHttp  # type: ignore[import-untyped]  # Google gives it no types
from googleapiclient.discovery import build
from googleapiclient.http import BatchHttpRequest

BATCH = 100


def main() -> int:
    """Fetch the mailbox."""
    root, token = sys.argv[1], sys.stdin.read().strip()
    began = _cpu_s()
    http = AuthorizedHttp(Credentials(token=token), http=httplib2.Http())  # type: ignore[no-untyped-call]  # as Google left it
    gmail: Any = build("gmail", "v1", http=http, static_discovery=True, client_options={"api_endpoint": f"{root}/"})
    fetched: list[Any] = []

    def keep(_request_id: str, response: Any, error: Exception | None) -> None:
        if error is not None:
            raise error
        fetched.append(response["id"])

    listing = gmail.users().messages().list(userId="me", maxResults=500, includeSpamTrash=True)
    while listing is not None:
        page = listing.execute()
        ids = [item["id"] for item in page.get("messages", [])]
        for first in range(0, len(ids), BATCH):
            batch = BatchHttpRequest(callback=keep, batch_uri=f"{root}/batch/gmail/v1")
            for message_id in ids[first : first + BATCH]:
                batch.add(gmail.users().messages().get(userId="me", id=message_id, format="metadata"))
            batch.execute(http=http)
        listing = gmail.users().messages().list_next(listing, page)
    print(json.dumps({"messages": len(fetched), "cpu_s": _cpu_s() - began}))
    return 0


def _cpu_s() -> float:
    spent = resource.getrusage(resource.RUSAGE_SELF)
    return spent.ru_utime + spent.ru_stime


if __name__ == "__main__":
    sys.exit(main())
