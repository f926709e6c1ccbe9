"""Which messages belong together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from emulator.gmail.threading import subject_key

_MARKS = st.sampled_from(["Re: ", "RE:", "Fwd: ", "FW: ", "Aw: ", "Re[2]: ", "  re : "])


@given(st.lists(_MARKS, max_size=4), st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=4))
def test_reply_and_forward_marks_do_not_make_another_subject(marks, subject):
    assert subject_key("".join(marks) + subject) == subject_key(subject)


def threads(google):
    listed = google.session().get("/gmail/v1/users/me/messages?maxResults=500").json()["messages"]
    grouped: dict[str, list[str]] = {}
    for message in listed:
        grouped.setdefault(message["threadId"], []).append(message["id"])
    return sorted(len(ids) for ids in grouped.values())


def test_an_answer_joins_its_thread(start, mail):
    google = start(
        mail.write(subject="Offer", message_id="<a@x>"),
        mail.write(subject="Re: Offer", message_id="<b@x>", in_reply_to="<a@x>"),
        mail.write(subject="RE: offer", message_id="<c@x>", references="<a@x> <b@x>"),
    )
    assert threads(google) == [3]


def test_a_thread_is_named_by_its_oldest_message(start, mail):
    google = start(
        mail.write(subject="Re: Offer", message_id="<b@x>", in_reply_to="<a@x>", date="3 Oct 2026 10:00:00 +0000"),
        mail.write(subject="Offer", message_id="<a@x>", date="2 Oct 2026 10:00:00 +0000"),
    )
    newest, oldest = google.session().get("/gmail/v1/users/me/messages").json()["messages"]
    assert newest["threadId"] == oldest["threadId"] == oldest["id"]


def test_another_subject_breaks_a_thread(start, mail):
    google = start(
        mail.write(subject="Offer", message_id="<a@x>"),
        mail.write(subject="Lunch?", message_id="<b@x>", in_reply_to="<a@x>"),
    )
    assert threads(google) == [1, 1]


def test_the_same_subject_alone_does_not_make_a_thread(start, mail):
    assert threads(start(mail.write(subject="Hello"), mail.write(subject="Hello"))) == [1, 1]


def test_answers_to_a_message_that_is_not_there_find_each_other(start, mail):
    google = start(
        mail.write(subject="Re: Plan", references="<gone@x>"), mail.write(subject="Re: Plan", references="<gone@x>")
    )
    assert threads(google) == [2]


def test_a_thread_ends_at_a_hundred_messages(start, mail):
    first = mail.write(subject="Long", message_id="<root@x>")
    google = start(first, *(mail.write(subject="Re: Long", references="<root@x>") for _ in range(104)))
    assert threads(google) == [5, 100]


def test_a_message_that_arrives_later_joins_too(start, mail):
    google = start(mail.write(subject="Offer", message_id="<a@x>"))
    arrived = google.arrive(mail.write(subject="Re: Offer", in_reply_to="<a@x>"))
    assert arrived["threadId"] != arrived["id"]
    assert threads(google) == [2]


def test_a_hostile_references_field_is_survived(start, mail):
    many = " ".join(f"<r{number}@x>" for number in range(5_000))
    raw = mail.write(subject="Re: Offer").replace(b"Subject:", b"References: " + many.encode() + b"\nSubject:", 1)
    assert threads(start(raw, mail.write(subject="Offer", message_id="<r4999@x>"))) == [2]
