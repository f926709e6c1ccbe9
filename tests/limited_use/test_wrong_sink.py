"""A value opened for one sink cannot be handed to another: askings of another class, and what an adaptor gave back."""

import json

import orjson
import pytest

from kernel.ids import new_id
from limited_use.asking import Purpose, Refused, Sink, WrongSink
from limited_use.keys import KeyPurpose, vault
from limited_use.release import Withheld
from limited_use.sealing import Native, Sealed
from limited_use.sinks import ai_tool, api, browser, export, google, mail, sidebar, staff, webhook
from limited_use.sinks.mail import Letter, Line
from limited_use.sinks.webhook import Letterhead

CANARY = "canary-3f3f"


def seal(tenant, table, column, text):
    sealer = vault(tenant.runtime).sealer(tenant.organisation_id, KeyPurpose.CONTENT)
    return sealer.seal(table, column, new_id(), text)


def as_letter(tenant, asking, value):
    letter = Letter(Native("ann@own.example"), Line("x ", value), (Line(value),), "<1@x>", "crm@own.example")
    return mail.letter(tenant.guard, asking, letter)


def as_message(tenant, asking, value):
    secret = seal(tenant, "webhook_secrets", "secret", "whsec_" + "A" * 44)
    head = Letterhead(seal(tenant, "webhooks", "url", "https://x.example/"), [secret], "msg_1")
    return webhook.message(tenant.guard, asking, head, {"x": value})


def as_page(tenant, asking, value, environment, adaptor=browser):
    return adaptor.page(tenant.guard, asking, environment.from_string("<p>{{ v }}</p>"), {"v": value})


ADAPTORS = {
    Sink.BROWSER: as_page,
    Sink.STAFF: lambda tenant, asking, value, environment: as_page(tenant, asking, value, environment, staff),
    Sink.SIDEBAR: lambda tenant, asking, value: sidebar.card(
        tenant.guard, asking, {"sections": [{"widgets": [{"textParagraph": {"text": value}}]}]}
    ),
    Sink.API: lambda tenant, asking, value: api.json(tenant.guard, asking, {"x": value}),
    Sink.EXPORT: lambda tenant, asking, value: b"".join(export.csv(tenant.guard, asking, ["x"], [[value]])),
    Sink.AI_TOOL: lambda tenant, asking, value: b"".join(ai_tool.jsonl(tenant.guard, asking, [{"x": value}])),
    Sink.WEBHOOK: as_message,
    Sink.MAIL: as_letter,
    Sink.GOOGLE: lambda tenant, asking, value: google.open_many(tenant.guard, asking, [value]),
}
"""How a value is put through each adaptor."""
FEATURES = {
    Sink.SIDEBAR: "sidebar",
    Sink.API: "api",
    Sink.EXPORT: "export",
    Sink.WEBHOOK: "webhooks",
    Sink.MAIL: "notices",
    Sink.AI_TOOL: "ai_export",
    Sink.STAFF: "openings",
}


def put(adaptor, tenant, asking, value, environment):
    through = ADAPTORS[adaptor]
    if adaptor in (Sink.BROWSER, Sink.STAFF):
        return through(tenant, asking, value, environment)
    return through(tenant, asking, value)


def asking_of(tenant, sink, **said):
    whole = {"feature": FEATURES.get(sink, "people"), "destination": "somewhere", **said}
    return tenant.asking(sink, **whole)


@pytest.mark.parametrize("adaptor", list(ADAPTORS), ids=[sink.value for sink in ADAPTORS])
def test_an_adaptor_takes_no_asking_of_another_class(tenant, environment, adaptor):
    value, others = tenant.sealed(CANARY), [sink for sink in Sink if sink is not adaptor]
    for sink in others:
        with pytest.raises(WrongSink):
            put(adaptor, tenant, asking_of(tenant, sink), value, environment)
    leaves = tenant.leaves()
    assert [leaf.sink for leaf in leaves] == others
    assert {(leaf.decision, leaf.reason, leaf.opened) for leaf in leaves} == {("refuse", "wrong_sink", 0)}


@pytest.fixture
def finished(tenant, environment):
    """What adaptors give back of a value of the owner's own, by sink."""
    opened = {
        sink: put(sink, tenant, asking_of(tenant, sink), tenant.sealed(CANARY), environment)
        for sink in (Sink.BROWSER, Sink.SIDEBAR, Sink.API, Sink.EXPORT)
    }
    for sink in (Sink.WEBHOOK, Sink.MAIL):
        opened[sink] = put(sink, tenant, asking_of(tenant, sink), tenant.sealed(CANARY, "content"), environment)
    return opened


def test_what_is_given_back_is_finished(finished):
    assert CANARY in finished[Sink.BROWSER]
    assert CANARY.encode() in finished[Sink.API]
    assert {sink: type(made) for sink, made in finished.items()} == {
        Sink.BROWSER: str,
        Sink.SIDEBAR: orjson.Fragment,
        Sink.API: bytes,
        Sink.EXPORT: bytes,
        Sink.WEBHOOK: webhook.Finished,
        Sink.MAIL: mail.Finished,
    }
    shown = [repr(finished[sink]) for sink in (Sink.SIDEBAR, Sink.WEBHOOK, Sink.MAIL)]
    assert [one for one in shown if CANARY in one] == []


@pytest.mark.parametrize("adaptor", [sink.value for sink in (Sink.API, Sink.EXPORT, Sink.AI_TOOL, Sink.WEBHOOK)])
def test_what_one_sink_was_given_is_of_unknown_origin_at_another(tenant, environment, finished, adaptor):
    sink = Sink(adaptor)
    if sink is Sink.AI_TOOL:
        from limited_use import destinations

        with tenant.runtime.sessions.begin() as session:
            destinations.allow_ai(session, tenant.organisation_id, tenant.owner_id, tenant.runtime.clock.now())
    leaf = json.loads(finished[Sink.API])["x"]
    assert leaf == CANARY
    for handed in (*finished.values(), leaf, Withheld("gmail")):
        with pytest.raises(Refused):
            put(sink, tenant, asking_of(tenant, sink), handed, environment)
        assert (tenant.leaves()[-1].reason, tenant.leaves()[-1].opened) == ("unknown_origin", 0)


def test_a_card_takes_nothing_that_another_sink_finished(tenant, environment, finished):
    for handed in (finished[Sink.API], finished[Sink.SIDEBAR], finished[Sink.WEBHOOK], Withheld("gmail")):
        with pytest.raises(Refused):
            put(Sink.SIDEBAR, tenant, asking_of(tenant, Sink.SIDEBAR), handed, environment)
        assert tenant.leaves()[-1].reason == "wrong_place"


def test_the_guard_itself_releases_nothing_twice(tenant):
    taken = []

    def take(opened):
        taken.extend(opened)
        return "finished"

    asking = tenant.asking()
    assert tenant.guard.release(asking, [tenant.sealed(CANARY)], take) == "finished"
    for again in (taken[0], Withheld("gmail")):
        with pytest.raises(Refused):
            tenant.guard.release(asking, [again], take)
        assert tenant.leaves()[-1].reason == "unknown_origin"
    assert taken == [CANARY]


def test_a_sealed_value_stays_sealed_when_it_was_opened_elsewhere(tenant, environment):
    value = tenant.sealed(CANARY)
    assert CANARY in put(Sink.BROWSER, tenant, asking_of(tenant, Sink.BROWSER), value, environment)
    assert type(value) is Sealed
    made = put(Sink.WEBHOOK, tenant, asking_of(tenant, Sink.WEBHOOK), value, environment)
    assert CANARY.encode() not in made.body
    with pytest.raises(Refused):
        put(Sink.GOOGLE, tenant, asking_of(tenant, Sink.GOOGLE, feature="sync"), value, environment)


@pytest.mark.parametrize("sink", [sink.value for sink in (Sink.WEBHOOK, Sink.MAIL, Sink.API, Sink.EXPORT)])
def test_no_other_purpose_opens_more(tenant, environment, sink):
    value, refused = tenant.sealed(CANARY), 0
    for purpose in Purpose:
        asking = asking_of(tenant, Sink(sink), purpose=purpose, member_id=tenant.teammate_id)
        try:
            made = put(Sink(sink), tenant, asking, value, environment)
        except Refused:
            refused += 1
        else:
            left = made if isinstance(made, bytes) else getattr(made, "body", None) or made.message
            assert CANARY.encode() not in left
    assert refused >= len(Purpose) - 2  # of a user's feature, and at some sinks of a person's own right
