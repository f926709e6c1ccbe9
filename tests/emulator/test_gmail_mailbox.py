"""History, threads, labels and what is told of a mailbox as a whole."""

from __future__ import annotations

import itertools

_ROOT = "/gmail/v1/users/me"


def profile(session):
    return session.get(f"{_ROOT}/profile").json()


def history(session, start, **query):
    return session.get(f"{_ROOT}/history", params={"startHistoryId": start, **query})


def test_a_profile_counts_what_is_there(start, mail):
    session = start(mail.write(message_id="<a@x>", subject="s"), mail.write(in_reply_to="<a@x>", subject="s")).session()
    answer = profile(session)
    assert (answer["emailAddress"], answer["messagesTotal"], answer["threadsTotal"]) == ("maya@example.com", 2, 1)


def test_history_tells_every_change_in_order_with_gaps(start, mail):
    google = start(mail.write())
    session = google.session()
    begin = profile(session)["historyId"]
    assert history(session, begin).json() == {"historyId": begin}
    message = google.arrive(mail.write())["id"]
    google.control("PATCH", f"messages/{message}", add=["STARRED"], remove=["UNREAD"])
    google.control("DELETE", f"messages/{message}")
    answer = history(session, begin).json()
    added, changed, deleted = answer["history"]
    assert added["messagesAdded"][0]["message"]["labelIds"] == ["INBOX", "UNREAD"]
    assert changed["labelsAdded"][0]["labelIds"] == ["STARRED"]
    assert changed["labelsRemoved"][0]["labelIds"] == ["UNREAD"]
    assert deleted["messagesDeleted"][0]["message"]["id"] == message
    numbers = [int(begin), *(int(record["id"]) for record in answer["history"])]
    assert all(later - earlier > 1 for earlier, later in itertools.pairwise(numbers))
    assert answer["historyId"] == deleted["id"]


def test_history_is_paged_and_its_tokens_are_bound(start, mail):
    google = start()
    session = google.session()
    begin = profile(session)["historyId"]
    for _ in range(5):
        google.arrive(mail.write())
    page = history(session, begin, maxResults=2).json()
    records = page["history"]
    while token := page.get("nextPageToken"):
        page = history(session, begin, maxResults=2, pageToken=token).json()
        records += page["history"]
        assert history(session, int(begin) + 1, pageToken=token).status_code == 400
    assert len({record["id"] for record in records}) == len(records) == 5


def test_history_can_be_narrowed_to_kinds_and_to_a_label(start, mail):
    google = start()
    session = google.session()
    begin = profile(session)["historyId"]
    inbox = google.arrive(mail.write())["id"]
    google.arrive(mail.write(), labels=["SPAM"])
    google.control("PATCH", f"messages/{inbox}", add=["STARRED"])
    only_labels = history(session, begin, historyTypes="labelAdded").json()["history"]
    assert [set(record) for record in only_labels] == [{"id", "messages", "labelsAdded"}]
    in_inbox = history(session, begin, labelId="INBOX").json()["history"]
    assert {record["messages"][0]["id"] for record in in_inbox} == {inbox}


def test_a_message_knows_its_latest_change(start, mail):
    google = start(mail.write())
    session = google.session()
    message = session.get(f"{_ROOT}/messages").json()["messages"][0]["id"]
    google.control("PATCH", f"messages/{message}", add=["STARRED"])
    latest = session.get(f"{_ROOT}/messages/{message}?format=minimal").json()["historyId"]
    assert latest == profile(session)["historyId"]
    google.control("PATCH", f"messages/{message}", add=["STARRED"])
    assert profile(session)["historyId"] == latest


def test_history_from_before_the_loading_or_after_a_week_is_too_old(start, mail):
    google = start(mail.write())
    session = google.session()
    begin = int(profile(session)["historyId"])
    google.arrive(mail.write())
    assert history(session, begin).status_code == 200
    for unknown in (1, begin - 1, begin + 10_000):
        assert history(session, unknown).status_code == 404
    google.running.clock.move_to(8 * 86_400)
    late = google.session()
    assert history(late, begin).status_code == 404
    assert history(late, profile(late)["historyId"]).status_code == 200


def test_history_expires_on_request_and_the_body_is_googles(start):
    google = start()
    session = google.session()
    begin = profile(session)["historyId"]
    google.control("POST", "history/expire")
    answer = history(session, begin)
    assert answer.status_code == 404
    message = "Requested entity was not found."
    assert answer.json() == {
        "error": {
            "code": 404,
            "message": message,
            "errors": [{"message": message, "domain": "global", "reason": "notFound"}],
            "status": "NOT_FOUND",
        }
    }
    assert history(session, profile(session)["historyId"]).status_code == 200
    assert session.get(f"{_ROOT}/history").status_code == 400
    assert history(session, "x").status_code == 400


def test_threads_are_listed_by_their_latest_message_and_read_whole(start, mail):
    google = start(
        mail.write(subject="Old", message_id="<a@x>", date="1 Oct 2026 10:00:00 +0000"),
        mail.write(subject="Middle", date="2 Oct 2026 10:00:00 +0000"),
        mail.write("Latest words", subject="Re: Old", in_reply_to="<a@x>", date="3 Oct 2026 10:00:00 +0000"),
    )
    session = google.session()
    page = session.get(f"{_ROOT}/threads?maxResults=1").json()
    assert page["threads"][0]["snippet"] == "Latest words"
    rest = session.get(f"{_ROOT}/threads", params={"maxResults": 1, "pageToken": page["nextPageToken"]}).json()
    assert "nextPageToken" not in rest
    thread = session.get(f"{_ROOT}/threads/{page['threads'][0]['id']}?format=metadata").json()
    assert [message["snippet"] for message in thread["messages"]] == ["Hello", "Latest words"]
    changed = session.post(f"{_ROOT}/threads/{thread['id']}/modify", json={"addLabelIds": ["STARRED"]}).json()
    assert all("STARRED" in message["labelIds"] for message in changed["messages"])
    assert session.get(f"{_ROOT}/threads/1000000000000000").status_code == 404


def test_a_label_counts_its_messages(start, mail):
    google = start()
    google.arrive(mail.write(), labels=["INBOX", "UNREAD"])
    google.arrive(mail.write(), labels=["INBOX"])
    label = google.session().get(f"{_ROOT}/labels/INBOX").json()
    assert (label["messagesTotal"], label["messagesUnread"], label["threadsUnread"]) == (2, 1, 1)
    assert google.session().get(f"{_ROOT}/labels/Label_7").status_code == 404


def test_drafts_are_listed_and_read(start, mail):
    google = start(mail.write(X_Gmail_Labels="Draft"), mail.write())
    session = google.session()
    (draft,) = session.get(f"{_ROOT}/drafts").json()["drafts"]
    read = session.get(f"{_ROOT}/drafts/{draft['id']}").json()
    assert read["message"]["labelIds"] == ["DRAFT"]
    assert session.get(f"{_ROOT}/drafts/r99").status_code == 404


def test_aliases_are_told_with_whether_they_are_verified(start):
    google = start()
    google.control("POST", "aliases", email="sales@example.com")
    google.control("POST", "aliases", email="new@example.com", verified=False)
    listed = google.session().get(f"{_ROOT}/settings/sendAs").json()["sendAs"]
    assert listed[0]["isPrimary"]
    told = {one["sendAsEmail"]: one.get("verificationStatus") for one in listed}
    assert told == {"maya@example.com": None, "sales@example.com": "accepted", "new@example.com": "pending"}


def test_a_watch_lasts_a_week_of_googles_time(start):
    google = start()
    session = google.session()
    watch = session.post(f"{_ROOT}/watch", json={"topicName": "projects/p/topics/t"}).json()
    assert abs(int(watch["expiration"]) / 1000 - google.running.clock.now() - 7 * 86_400) < 5
    assert session.post(f"{_ROOT}/watch", json={"topicName": "nonsense"}).status_code == 400
    assert session.post(f"{_ROOT}/stop").status_code == 204
