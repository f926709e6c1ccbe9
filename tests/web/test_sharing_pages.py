"""The page Sharing over HTTP: levels, exceptions and protected addresses, the owner's alone, at once, logged."""

import re
import uuid

import pytest

from accounts.models import Role, Sharing
from limited_use.log.words import Kind
from tests.signing_in import Person
from tests.web.office import OTHER, SUBJECT, Office


def path_of(office: Office) -> str:
    return f"/connections/{office.grant_id}/sharing"


def save(who: Person, path: str, **form: str) -> int:
    return who.post(path, form, "/requests").status_code


def ids_in(page: str, what: str) -> list[str]:
    return re.findall(rf"/{what}/([0-9a-f-]{{36}})/", page)


def test_a_level_holds_at_once_and_is_in_the_log(office: Office) -> None:
    person = f"/people/{office.person_id}"
    assert SUBJECT not in office.bert.get(person).text
    for level, sees in (("and_subjects", True), ("only_me", False), ("everything", True)):
        assert save(office.anna, path_of(office), level=level) == 303
        assert (SUBJECT in office.bert.get(person).text) is sees
    assert save(office.anna, path_of(office), level="everything") == 303
    told = [leaf.reason for leaf in office.leaves(Kind.GRANT) if leaf.feature == "sharing"]
    assert told == ["shared_and_subjects", "shared_only_me", "shared_everything"]
    page = office.anna.get(path_of(office)).text
    assert re.search(r'value="everything" checked', page)
    assert "2 mails" in page
    assert "Colleagues see everything of this account." in office.anna.get("/connections").text


def test_only_its_owner_reads_or_changes_it(office: Office) -> None:
    office.role(office.bert, Role.ADMIN)
    save(office.anna, path_of(office) + "/addresses", address="doctor@practice.example")
    save(office.anna, f"/sharing/messages/{office.message_id}", level="everything")
    page = office.anna.get(path_of(office)).text
    (protected,), (exception,) = ids_in(page, "addresses"), ids_in(page, "exceptions")
    for path, form in (
        (path_of(office), {"level": "everything"}),
        (path_of(office) + "/addresses", {"address": "x@y.example"}),
        (f"{path_of(office)}/addresses/{protected}/remove", {}),
        (f"{path_of(office)}/exceptions/{exception}/end", {}),
        (f"/sharing/people/{office.person_id}", {"level": "everything"}),
        (f"/sharing/messages/{office.other_id}", {"level": "everything"}),
        (f"/connections/{uuid.uuid4()}/sharing", {"level": "only_me"}),
    ):
        assert save(office.bert, path, **form) == 404, path
    assert office.bert.get(path_of(office)).status_code == 404


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("", {"level": "loudly"}),
        ("", {}),
        ("/addresses", {"address": "not an address"}),
        ("/addresses", {}),
    ],
    ids=["no-level", "nothing", "no-address", "empty"],
)
def test_what_cannot_be_shared_so_is_told(office: Office, path: str, form: dict[str, str]) -> None:
    assert save(office.anna, path_of(office) + path, **form) == 422


def test_one_conversation_is_hidden_or_shared_more_than_the_rest(office: Office) -> None:
    person = f"/people/{office.person_id}"
    assert save(office.anna, f"/sharing/messages/{office.message_id}", level="everything") == 303
    page = office.bert.get(person).text
    assert SUBJECT in page
    assert OTHER not in page
    save(office.anna, path_of(office), level="everything")
    assert save(office.anna, f"/sharing/messages/{office.message_id}", level="only_me") == 303
    page = office.bert.get(person).text
    assert SUBJECT not in page
    assert OTHER in page
    (exception,) = ids_in(office.anna.get(path_of(office)).text, "exceptions")
    assert save(office.anna, f"{path_of(office)}/exceptions/{exception}/end") == 303
    assert SUBJECT in office.bert.get(person).text
    assert "None. On the page of a person" in office.anna.get(path_of(office)).text


def test_a_protected_address_never_shows_and_is_given_free_again(office: Office) -> None:
    office.share(Sharing.EVERYTHING)
    person = f"/people/{office.person_id}"
    assert SUBJECT in office.bert.get(person).text
    assert save(office.anna, path_of(office) + "/addresses", address=" Robin@Kestrel.example") == 303
    assert office.bert.get(person).status_code == 404
    assert office.bert.get(f"/messages/{office.message_id}").status_code == 404
    page = office.anna.get(path_of(office)).text
    assert "robin@kestrel.example" in page
    (protected,) = ids_in(page, "addresses")
    assert save(office.anna, f"{path_of(office)}/addresses/{protected}/remove") == 303
    assert SUBJECT in office.bert.get(person).text


def test_the_pages_of_a_person_and_a_mail_offer_it_to_the_owner_alone(office: Office) -> None:
    person, mail = f"/people/{office.person_id}", f"/messages/{office.message_id}"
    assert f'action="/sharing{person}"' in office.anna.get(person).text
    assert f'action="/sharing{mail}"' in office.anna.get(mail).text
    for path in (person, mail):
        assert 'action="/sharing/' not in office.bert.get(path).text
