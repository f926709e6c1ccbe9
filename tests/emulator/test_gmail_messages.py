"""Listing, reading and changing messages."""

from __future__ import annotations

import base64
from email.message import EmailMessage

import pytest
from googleapiclient.errors import HttpError

_ROOT = "/gmail/v1/users/me"


def ids(session, **query):
    return [message["id"] for message in session.get(f"{_ROOT}/messages", params=query).json().get("messages", [])]


def only(session):
    (message,) = ids(session)
    return message


def test_pages_hold_every_message_once_though_one_arrives_in_between(start, mail):
    google = start(*(mail.write() for _ in range(7)))
    session = google.session()
    seen, token = [], None
    for _ in range(3):
        query = {"maxResults": 3} | ({"pageToken": token} if token else {})
        page = session.get(f"{_ROOT}/messages", params=query).json()
        assert page["resultSizeEstimate"] == 7
        seen += [message["id"] for message in page["messages"]]
        token = page.get("nextPageToken")
        google.arrive(mail.write())
    assert token is None
    assert len(set(seen)) == len(seen) == 7


def test_a_page_token_is_good_for_its_own_question_only(start, mail):
    session = start(*(mail.write() for _ in range(3))).session()
    token = session.get(f"{_ROOT}/messages", params={"maxResults": 1}).json()["nextPageToken"]
    for query in ({"q": "from:ann"}, {"labelIds": "INBOX"}, {"includeSpamTrash": "true"}):
        assert session.get(f"{_ROOT}/messages", params={"pageToken": token, **query}).status_code == 400
    assert session.get(f"{_ROOT}/messages", params={"pageToken": "nonsense"}).status_code == 400


def test_an_empty_list_has_no_messages_key(start):
    assert start().session().get(f"{_ROOT}/messages").json() == {"resultSizeEstimate": 0}


def test_labels_are_all_required_and_unknown_ones_refused(start, mail):
    google = start(mail.write())
    both = google.arrive(mail.write(), labels=["INBOX", "STARRED"])["id"]
    session = google.session()
    assert ids(session, labelIds=["INBOX", "STARRED"]) == [both]
    assert session.get(f"{_ROOT}/messages?labelIds=Label_9").status_code == 400


def test_spam_and_trash_are_left_out_unless_asked_for(start, mail):
    google = start()
    spam = google.arrive(mail.write(), labels=["SPAM"])["id"]
    session = google.session()
    assert ids(session) == []
    assert ids(session, includeSpamTrash="true") == ids(session, q="in:spam") == ids(session, labelIds="SPAM") == [spam]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("from:ann@client.test", {"a"}),
        ("from:client.test", {"a", "b"}),
        ("from:an", set()),
        ("to:bo", {"c"}),
        ("subject:offer", {"a", "b"}),
        ('subject:"second offer"', {"b"}),
        ("offer -second", {"a"}),
        ("zebra", {"b"}),
        ("in:sent", {"c"}),
        ("-in:sent", {"a", "b"}),
        ("is:read", {"a", "b", "c"}),
        ("in:sent OR zebra", {"b", "c"}),
        ("after:2026/10/02", {"b", "c"}),
        ("after:2026/10/02 before:2026/10/03", {"b"}),
        ("after:1790985600", {"c"}),
        ("rfc822msgid:<A@client.test>", set()),
        ("rfc822msgid:a@client.test", {"a"}),
        ("older_than:1d label:inbox", {"a", "b"}),
        ("after:nonsense", set()),
    ],
)
def test_searches_find_what_gmail_would(start, mail, query, found):
    google = start(
        mail.write(subject="Offer", message_id="<a@client.test>", date="1 Oct 2026 10:00:00 +0000"),
        mail.write(
            "A zebra",
            sender="Cy <cy@client.test>",
            subject="Second offer",
            message_id="<b@client.test>",
            date="2 Oct 2026 10:00:00 +0000",
        ),
        mail.write(
            sender="maya@example.com",
            to="Bo <bo@other.test>",
            subject="Note",
            message_id="<c@client.test>",
            date="3 Oct 2026 10:00:00 +0000",
        ),
    )
    google.running.clock.move_to(30 * 86_400)
    session = google.session()
    names = {}
    for one in ids(session):
        head = session.get(f"{_ROOT}/messages/{one}?format=metadata&metadataHeaders=message-id").json()
        names[one] = head["payload"]["headers"][0]["value"][1]
    assert {names[one] for one in ids(session, q=query)} == found


def test_each_format_gives_what_google_says(start, mail):
    session = start(mail.write("Hi <b>& bye</b>", subject="=?utf-8?q?Gr=C3=BC=C3=9Fe?=")).session()
    path = f"{_ROOT}/messages/{only(session)}"
    minimal = session.get(path, params={"format": "minimal"}).json()
    assert minimal["snippet"] == "Hi &lt;b&gt;&amp; bye&lt;/b&gt;"
    assert set(minimal) == {"id", "threadId", "labelIds", "snippet", "sizeEstimate", "historyId", "internalDate"}
    metadata = session.get(path, params={"format": "metadata", "metadataHeaders": ["subject"]}).json()
    assert metadata["payload"] == {"mimeType": "text/plain", "headers": [{"name": "Subject", "value": "Grüße"}]}
    full = session.get(path).json()
    assert base64.urlsafe_b64decode(full["payload"]["body"]["data"]) == b"Hi <b>& bye</b>\n"
    raw = base64.urlsafe_b64decode(session.get(path, params={"format": "raw"}).json()["raw"])
    assert raw.startswith(b"From: Ann Lee <ann@client.test>\r\n")
    assert session.get(path, params={"format": "strange"}).status_code == 400


def test_an_encoded_name_with_a_comma_is_quoted(start, mail):
    raw = mail.write().replace(b"From: Ann Lee <", b"From: =?utf-8?q?Lee=2C_Ann?= <", 1)
    session = start(raw).session()
    head = session.get(f"{_ROOT}/messages/{only(session)}?format=metadata&metadataHeaders=From").json()
    assert head["payload"]["headers"][0]["value"] == '"Lee, Ann" <ann@client.test>'


def test_attachments_are_fetched_apart_under_an_id_that_does_not_last(start):
    message = EmailMessage()
    message["From"], message["Subject"] = "ann@client.test", "Files"
    message.set_content("See below")
    message.add_attachment(b"\x00\x01" * 500, maintype="application", subtype="pdf", filename="Übersicht.pdf")
    session = start(message.as_bytes()).session()
    path = f"{_ROOT}/messages/{only(session)}"
    first, second = (session.get(path).json()["payload"]["parts"][1] for _ in range(2))
    assert (first["filename"], first["partId"], first["body"]["size"]) == ("Übersicht.pdf", "1", 1000)
    assert first["body"]["attachmentId"] != second["body"]["attachmentId"]
    got = session.get(f"{path}/attachments/{first['body']['attachmentId']}").json()
    assert base64.urlsafe_b64decode(got["data"]) == b"\x00\x01" * 500
    assert session.get(f"{path}/attachments/ANGjdJnonsense").status_code == 400


BROKEN = {
    "no boundary": b"Content-Type: multipart/mixed\n\nplain after all\n",
    "boundary never used": b'Content-Type: multipart/mixed; boundary="x"\n\nplain after all\n',
    "never closed": b'Content-Type: multipart/mixed; boundary="x"\n\n--x\n\nplain after all\n',
    "unknown charset": b"Content-Type: text/plain; charset=klingon-8\n\nplain after all\n",
    "unknown encoding": b"Content-Transfer-Encoding: x-none\n\nplain after all\n",
    "line without a colon": b"this is no header\n\nplain after all\n",
    "torn base64": b"Content-Transfer-Encoding: base64\n\ncGxhaW4gYWZ0ZXIgYWxsC\n",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_message_is_served_with_the_text_that_is_there(start, name):
    session = start(b"From: ann@client.test\nSubject: x\n" + BROKEN[name]).session()
    path = f"{_ROOT}/messages/{only(session)}"
    assert "plain after all" in session.get(f"{path}?format=minimal").json()["snippet"]
    assert session.get(f"{path}?format=full").status_code == 200


def test_raw_bytes_in_headers_are_guessed(start):
    session = start("Subject: Grüße\nFrom: a@b.c\n\nx".encode("latin-1"), "Subject: Grüße\n\ny".encode()).session()
    for one in ids(session):
        headers = session.get(f"{_ROOT}/messages/{one}?format=metadata").json()["payload"]["headers"]
        assert {"name": "Subject", "value": "Grüße"} in headers


def test_thirty_megabytes_cost_no_more_than_they_must(start, mail):
    message = EmailMessage()
    message["From"], message["Subject"] = "ann@client.test", "Big"
    message.set_content("The beginning")
    message.add_attachment(b"x" * 22_000_000, maintype="video", subtype="mp4", filename="big.mp4")
    google = start(message.as_bytes(), mail.write())
    session = google.session()
    big = ids(session, q="subject:big")[0]
    head = session.get(f"{_ROOT}/messages/{big}?format=metadata")
    assert head.json()["snippet"] == "The beginning"
    assert head.json()["sizeEstimate"] > 29_000_000
    assert head.elapsed.total_seconds() < 1.0
    assert session.get(f"{_ROOT}/messages/{big}").json()["payload"]["parts"][1]["body"]["size"] == 22_000_000


def test_labels_change_and_trash_is_a_label(start, mail):
    session = start(mail.write()).session()
    path = f"{_ROOT}/messages/{only(session)}"
    changed = session.post(f"{path}/modify", json={"addLabelIds": ["STARRED"], "removeLabelIds": ["INBOX"]})
    assert changed.json()["labelIds"] == ["STARRED"]
    assert session.post(f"{path}/modify", json={"addLabelIds": ["SENT"]}).status_code == 400
    assert session.post(f"{path}/trash").json()["labelIds"] == ["STARRED", "TRASH"]
    assert session.post(f"{path}/untrash").json()["labelIds"] == ["STARRED"]
    assert session.delete(path).status_code == 204
    assert session.get(path).status_code == 404
    assert session.get(path).json()["error"]["status"] == "NOT_FOUND"


def test_batch_modify_overlooks_messages_that_are_gone(start, mail):
    session = start(mail.write(), mail.write()).session()
    body = {"ids": [*ids(session), "1fffffffffffffff"], "addLabelIds": ["STARRED"]}
    assert session.post(f"{_ROOT}/messages/batchModify", json=body).status_code == 204
    assert len(ids(session, labelIds="STARRED")) == 2


def test_what_is_sent_arrives_with_the_other_accounts_here(start):
    google = start()
    raw = b"To: Team Mate <teammate@example.com>\nSubject: Hi\n\nHello\n"
    session = google.session()
    sent = session.post(f"{_ROOT}/messages/send", json={"raw": base64.urlsafe_b64encode(raw).decode()}).json()
    assert sent["labelIds"] == ["SENT"]
    other = google.session(email="teammate@example.com")
    arrived = other.get(f"{_ROOT}/messages/{only(other)}?format=metadata").json()
    assert arrived["labelIds"] == ["INBOX", "UNREAD"]
    names = {header["name"] for header in arrived["payload"]["headers"]}
    assert {"From", "Date", "Message-ID"} <= names


def test_inserting_keeps_the_date_of_the_header_only_when_asked(start, mail):
    session = start().session()
    raw = base64.urlsafe_b64encode(mail.write(date="1 Oct 2026 10:00:00 +0000")).decode()
    kept = session.post(f"{_ROOT}/messages?internalDateSource=dateHeader", json={"raw": raw, "labelIds": ["INBOX"]})
    now = session.post(f"{_ROOT}/messages?internalDateSource=receivedTime", json={"raw": raw})
    dates = [
        session.get(f"{_ROOT}/messages/{answer.json()['id']}?format=minimal").json()["internalDate"]
        for answer in (kept, now)
    ]
    assert dates[0] == "1790848800000"
    assert int(dates[1]) > 1_790_848_800_000
    assert session.post(f"{_ROOT}/messages", json={"raw": "%%%"}).status_code == 400
    assert session.post(f"{_ROOT}/messages", json={}).status_code == 400


def test_an_addons_token_for_headers_opens_headers_only(start, mail):
    google = start(mail.write())
    path = f"{_ROOT}/messages/{only(google.session())}"
    scope = "https://www.googleapis.com/auth/gmail.addons.current.message."
    headers, content = google.session(f"{scope}metadata"), google.session(f"{scope}readonly")
    assert headers.get(f"{path}?format=metadata").status_code == 200
    assert headers.get(f"{path}?format=full").status_code == 403
    assert content.get(f"{path}?format=full").status_code == 200


def test_a_token_for_headers_opens_headers_only(start, mail):
    session = start(mail.write()).session("https://www.googleapis.com/auth/gmail.metadata")
    path = f"{_ROOT}/messages/{only(session)}"
    assert session.get(f"{path}?format=metadata").status_code == 200
    for refused in (f"{path}?format=full", f"{path}?format=raw", f"{_ROOT}/messages?q=x"):
        assert session.get(refused).status_code == 403


def test_nobody_reads_another_accounts_mailbox(start, mail):
    google = start(mail.write())
    mine, other = google.session(), google.session(email="teammate@example.com")
    message = only(mine)
    assert other.get(f"{_ROOT}/messages/{message}").status_code == 404
    assert other.get("/gmail/v1/users/maya@example.com/messages").status_code == 403
    assert mine.get("/gmail/v1/users/maya@example.com/messages").status_code == 200


def test_googles_own_client_reads_a_mailbox(start, mail):
    google = start(*(mail.write() for _ in range(5)))
    messages = google.service().users().messages()
    request, found = messages.list(userId="me", maxResults=2), []
    while request is not None:
        answer = request.execute()
        found += [message["id"] for message in answer["messages"]]
        request = messages.list_next(request, answer)
    assert len(found) == 5
    assert messages.get(userId="me", id=found[0], format="metadata").execute()["id"] == found[0]
    with pytest.raises(HttpError) as error:
        messages.get(userId="me", id="1000000000000000").execute()
    assert error.value.status_code == 404
