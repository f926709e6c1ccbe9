"""Reading a Takeout's mail where it lies."""

from __future__ import annotations

import mailbox
from email.header import Header
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.takeout import labels, mbox
from emulator.takeout.folder import NothingToLoad

_LINES = st.sampled_from(
    [b"From a\n", b"From b Thu Nov 19 10:00:00 2026\n", b"\n", b"\r\n", b">From c\n", b"From\n", b"Subject: x\n", b"x"]
)


@given(st.lists(_LINES, max_size=30), st.sampled_from([7, 11, 64, 8192]))
def test_messages_begin_and_end_where_pythons_own_mailbox_sees_them(lines, block):
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(mbox, "_BLOCK", block)
        path = Path(folder) / "a.mbox"
        path.write_bytes(b"".join(lines))
        content = path.read_bytes()
        ours = [content[place.start : place.stop] for place in mbox.slices(path)]
        theirs = mailbox.mbox(path, create=False)
        expected = [theirs.get_bytes(key) for key in theirs.iterkeys()]
        theirs.close()
    assert ours == expected


def test_every_message_is_loaded_copies_too(start, mail):
    one, two = mail.write(), mail.write()
    google = start(one, two, one)
    assert google.control("GET", "counts")["google"]["messages"] == 3
    assert google.control("GET", "counts")["unreadable"]["messages"] == 0


def test_the_same_folder_gives_the_same_ids(start, mail, tmp_path):
    messages = [mail.write() for _ in range(5)]
    first = start(*messages, state=tmp_path / "one").session().get("/gmail/v1/users/me/messages").json()
    again = start(*messages, state=tmp_path / "two").session().get("/gmail/v1/users/me/messages").json()
    assert first == again
    assert all(len(message["id"]) == 16 and message["id"][0] == "1" for message in first["messages"])


def test_without_labels_the_owners_mail_was_sent_and_the_rest_received(start, mail):
    google = start(mail.write(sender="Maya <MAYA@example.com>"), mail.write())
    session = google.session()
    sent = session.get("/gmail/v1/users/me/messages?labelIds=SENT").json()["messages"]
    received = session.get("/gmail/v1/users/me/messages?labelIds=INBOX").json()["messages"]
    assert len(sent) == len(received) == 1


def test_the_most_frequent_sender_owns_a_mailbox_without_a_named_owner(start, mail):
    google = start(
        mail.write(sender="Bo <bo@client.test>"),
        mail.write(sender="Ann <ann@client.test>"),
        mail.write(sender="Ann <ANN@client.test>"),
        owner=None,
    )
    account = google.control("GET", "counts")["account"]
    assert (account["email"], account["name"]) == ("ann@client.test", "Ann")


def test_labels_tell_whose_mail_was_sent_when_a_newsletter_writes_more_often(start, mail):
    google = start(
        mail.write(sender="News <news@list.test>", X_Gmail_Labels="Inbox"),
        mail.write(sender="News <news@list.test>", X_Gmail_Labels="Inbox"),
        mail.write(sender="Ann <ann@client.test>", X_Gmail_Labels="Sent,Opened"),
        owner=None,
    )
    assert google.control("GET", "counts")["account"]["email"] == "ann@client.test"


def test_takeout_labels_become_gmails_and_a_persons_own(start, mail):
    field = Header("Inbox,Unread,Category Updates,Kundschaft/Größe,Opened", "utf-8").encode()
    raw = mail.write().replace(b"Subject:", f"X-Gmail-Labels: {field}\nSubject:".encode(), 1)
    session = start(raw).session()
    message = session.get("/gmail/v1/users/me/messages").json()["messages"][0]["id"]
    on_it = session.get(f"/gmail/v1/users/me/messages/{message}?format=minimal").json()["labelIds"]
    assert on_it == ["INBOX", "UNREAD", "CATEGORY_UPDATES", "Label_1"]
    names = {label["id"]: label["name"] for label in session.get("/gmail/v1/users/me/labels").json()["labels"]}
    assert names["Label_1"] == "Kundschaft/Größe"


def test_gmails_names_are_known_in_other_languages():
    names = ["Posteingang", "Non lus", "Geöffnet", "Enviados"]
    assert labels.sort_names(names) == (frozenset({"INBOX", "UNREAD", "SENT"}), [])


def test_a_quoted_name_may_hold_a_comma():
    assert labels.split_names('Inbox,"Leads, warm",Sent') == ["Inbox", "Leads, warm", "Sent"]
    assert labels.sort_names(["Bin", "Archived", "Chats", "Mine"]) == (frozenset({"TRASH", "CHAT"}), ["Mine"])


def test_gmails_own_thread_numbers_are_kept(start, mail):
    number = 0x1234567890ABCDEF
    google = start(mail.write(X_GM_THRID=str(number)), mail.write(X_GM_THRID=str(number)), mail.write(X_GM_THRID="77"))
    listed = google.session().get("/gmail/v1/users/me/messages").json()["messages"]
    assert sorted(message["threadId"] for message in listed) == [f"{77:016x}", "1234567890abcdef", "1234567890abcdef"]


def test_dates_fall_back_to_the_from_line_and_then_to_the_neighbour(start, mail, takeout):
    good = mail.write(date="Mon, 05 Oct 2026 08:00:00 +0000")
    bad = mail.write(date="yesterday, I think")
    folder = takeout(good, bad, mark="From 1@x Thu Nov 19 10:00:00 +0000 2026")
    session = start(takeout=folder).session()
    ids = [message["id"] for message in session.get("/gmail/v1/users/me/messages").json()["messages"]]
    dates = [session.get(f"/gmail/v1/users/me/messages/{one}?format=minimal").json()["internalDate"] for one in ids]
    assert dates == ["1795082400000", "1791187200000"]


def test_a_message_without_any_date_is_as_old_as_its_neighbour(start, mail, takeout):
    bad, good = mail.write(date="never"), mail.write(date="Mon, 05 Oct 2026 08:00:00 +0000")
    session = start(takeout=takeout(bad, good, bad, mark="From nobody")).session()
    ids = [message["id"] for message in session.get("/gmail/v1/users/me/messages").json()["messages"]]
    dates = {session.get(f"/gmail/v1/users/me/messages/{one}?format=minimal").json()["internalDate"] for one in ids}
    assert len(ids) == 3
    assert dates == {"1791187200000"}


def test_a_file_cut_in_the_middle_of_a_message_gives_what_is_there(start, mail, takeout):
    folder = takeout(mail.write(), mail.write("a long text " * 50))
    path = folder / "Mail" / "All mail.mbox"
    path.write_bytes(path.read_bytes()[:-300])
    google = start(takeout=folder)
    assert google.control("GET", "counts")["google"]["messages"] == 2


def test_a_folder_that_is_missing_or_empty_is_explained(start, tmp_path):
    with pytest.raises(NothingToLoad, match="There is no folder"):
        start(takeout=tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NothingToLoad, match="holds no mail"):
        start(takeout=tmp_path / "empty", state=tmp_path / "other")


def test_a_restart_keeps_mail_changes_and_tokens(start, mail, takeout):
    folder = takeout(mail.write())
    google = start(takeout=folder)
    token = google.token()
    new = google.arrive(mail.write())
    google.running.stop()
    again = start(takeout=folder)
    answer = again.session()
    answer.headers["Authorization"] = f"Bearer {token}"
    listed = answer.get("/gmail/v1/users/me/messages").json()["messages"]
    assert listed[0]["id"] == new["id"]
    assert len(listed) == 2


def test_a_state_folder_keeps_to_the_takeout_it_was_made_from(start, mail, tmp_path):
    start(mail.write()).running.stop()
    (tmp_path / "other").mkdir()
    with pytest.raises(NothingToLoad, match="already holds the data of"):
        start(takeout=tmp_path / "other")


def test_a_first_start_that_was_cut_off_begins_again(start, mail, takeout, monkeypatch):
    folder = takeout(mail.write(), mail.write())

    def crash(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("emulator.takeout.folder._calendars.load", crash)
        with pytest.raises(KeyboardInterrupt):
            start(takeout=folder)
    told = start(takeout=folder).control("GET", "counts")
    assert told["google"]["messages"] == 2
    assert len(told["accounts"]) == 2


def test_an_owner_that_is_no_address_is_explained(start):
    with pytest.raises(NothingToLoad, match="is named by an e-mail address"):
        start(owner="Maya")


def test_gmails_own_export_tells_when_mail_arrived(start, mail, takeout):
    forged = mail.write(X_GM_THRID="77", date="1 Jan 2038 00:00:00 +0000")
    folder = takeout(forged, mark="From 1@xxx Thu Nov 19 10:00:00 +0000 2026")
    session = start(takeout=folder).session()
    (message,) = session.get("/gmail/v1/users/me/messages").json()["messages"]
    got = session.get(f"/gmail/v1/users/me/messages/{message['id']}?format=minimal").json()
    assert got["internalDate"] == "1795082400000"


def test_a_takeout_that_changed_since_it_was_indexed_is_not_served(start, mail, takeout):
    folder = takeout(mail.write())
    start(takeout=folder).running.stop()
    with (folder / "Mail" / "All mail.mbox").open("ab") as file:
        file.write(b"more")
    with pytest.raises(NothingToLoad, match="is not what it was"):
        start(takeout=folder)
