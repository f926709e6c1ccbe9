"""Many clients at once on one mailbox."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor

_ROOT = "/gmail/v1/users/me"


def test_nothing_fails_or_is_lost_when_many_read_and_write_together(start, mail):
    google = start(*(mail.write() for _ in range(20)), quota_per_minute=10_000_000)
    begin = google.session().get(f"{_ROOT}/profile").json()["historyId"]
    sessions = [google.session() for _ in range(6)]

    def work(number):
        session, statuses = sessions[number], set()
        for turn in range(12):
            text = f"Subject: Talk {number}\nMessage-ID: <{number}.{turn}@x>\n\nwords".encode()
            raw = base64.urlsafe_b64encode(text).decode()
            made = session.post(f"{_ROOT}/messages", json={"raw": raw, "labelIds": ["INBOX"]})
            path = f"{_ROOT}/messages/{made.json()['id']}"
            statuses |= {
                made.status_code,
                session.post(f"{path}/modify", json={"addLabelIds": ["STARRED"]}).status_code,
                session.get(f"{_ROOT}/messages", params={"q": "words -in:sent", "maxResults": 5}).status_code,
                session.get(f"{_ROOT}/history", params={"startHistoryId": begin, "maxResults": 3}).status_code,
                session.get(f"{path}?format=metadata").status_code,
            }
        return statuses

    with ThreadPoolExecutor(6) as pool:
        statuses = set().union(*pool.map(work, range(6)))
    assert statuses == {200}
    assert google.control("GET", "counts")["google"]["messages"] == 20 + 6 * 12
    records, token = [], None
    while True:
        query = {"startHistoryId": begin, "maxResults": 7} | ({"pageToken": token} if token else {})
        page = sessions[0].get(f"{_ROOT}/history", params=query).json()
        records += [int(record["id"]) for record in page["history"]]
        token = page.get("nextPageToken")
        if token is None:
            break
    assert records == sorted(set(records))
    assert len(records) == 2 * 6 * 12
