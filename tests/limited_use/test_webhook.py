"""The sink webhook: users' own values signed and sent, Google's withheld, and a request that cannot be taken apart."""

import base64
import hashlib
import hmac

import orjson
import pytest

from kernel.ids import new_id
from limited_use.asking import Refused, Tampered, WrongSink
from limited_use.keys import KeyPurpose, vault
from limited_use.sealing import Native, Sealed, System
from limited_use.sinks import api, webhook
from limited_use.sinks.webhook import Letterhead

CANARY = "canary-77aa"
URL = "https://hooks.example.com/x"
SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()


@pytest.fixture
def head(tenant):
    """A letterhead as the rows of a webhook give it."""

    def seal(table, column, text):
        sealer = vault(tenant.runtime).sealer(tenant.organisation_id, KeyPurpose.CONTENT)
        return sealer.seal(table, column, new_id(), text)

    secrets = [seal("webhook_secrets", "secret", secret) for secret in (SECRET, "whsec_" + "B" * 44)]
    return Letterhead(seal("webhooks", "url", URL), secrets, "msg_1")


def asking(tenant, **said):
    whole = {"feature": "webhooks", "actor": "worker", "destination": "00000000-0000-7000-8000-000000000001", **said}
    return tenant.asking("webhook", **whole)


def test_what_users_wrote_leaves_signed_and_whats_googles_is_marked(tenant, head):
    tree = {
        "note": tenant.sealed("Ünïcode", "content"),
        "amount": Native(3),
        "type": System("x"),
        **{purpose: tenant.sealed(CANARY, purpose) for purpose in ("mail", "calendar", "contacts", "derived")},
        "count": tenant.labelled(5),
    }
    made = webhook.message(tenant.guard, asking(tenant), head, tree)
    assert (made.url, made.headers["webhook-id"]) == (URL, "msg_1")
    said = orjson.loads(made.body)
    assert (said["note"], said["amount"], said["type"]) == ("Ünïcode", 3, "x")
    assert said["mail"] == {"withheld": "limited_use", "source": "gmail"}
    assert said["count"] == said["mail"]
    assert CANARY.encode() not in made.body
    assert made.headers["Content-Type"] == "application/json"
    assert abs(int(made.headers["webhook-timestamp"]) - tenant.runtime.clock.now().timestamp()) < 60
    signed = f"msg_1.{made.headers['webhook-timestamp']}.".encode() + made.body
    first, second = made.headers["webhook-signature"].split(" ")
    assert first == "v1," + base64.b64encode(hmac.new(b"k" * 32, signed, hashlib.sha256).digest()).decode()
    assert second.startswith("v1,")
    assert second != first
    (leaf,) = tenant.leaves()
    assert (leaf.sink, leaf.feature, leaf.opened, leaf.withheld, leaf.records) == ("webhook", "webhooks", 0, 5, 1)


def test_what_is_made_shows_nothing_of_itself(tenant, head):
    made = webhook.message(tenant.guard, asking(tenant), head, {"note": tenant.sealed(CANARY, "content")})
    assert repr(made) == "Finished()"
    assert SECRET.encode() not in made.body
    assert SECRET not in str(dict(made.headers))


@pytest.mark.parametrize("purpose", ["mail", "calendar", "contacts", "derived"])
@pytest.mark.parametrize("viewer", ["owner", "teammate"])
def test_nobody_takes_googles_values_out_this_way(tenant, head, purpose, viewer):
    member_id = getattr(tenant, f"{viewer}_id")
    made = webhook.message(
        tenant.guard, asking(tenant, member_id=member_id), head, {"x": tenant.sealed(CANARY, purpose)}
    )
    assert CANARY.encode() not in made.body


@pytest.mark.parametrize("sink", ["browser", "api", "export", "mail", "ai_tool", "staff"])
def test_only_an_asking_of_this_class_makes_a_message(tenant, head, sink):
    with pytest.raises(WrongSink):
        webhook.message(tenant.guard, tenant.asking(sink, "webhooks", destination="x"), head, {})
    with pytest.raises(WrongSink):
        api.json(tenant.guard, asking(tenant), {})
    assert [leaf.reason for leaf in tenant.leaves()] == ["wrong_sink"] * 2


def test_an_asking_without_a_registered_place_is_refused(tenant, head):
    with pytest.raises(WrongSink):
        webhook.message(tenant.guard, asking(tenant, destination=""), head, {})


@pytest.mark.parametrize(
    "loose", ["bare", 3, ["bare"], {"deep": {"er": "bare"}}], ids=["text", "number", "list", "deep"]
)
def test_a_value_of_unknown_origin_is_refused(tenant, head, loose):
    with pytest.raises(Refused):
        webhook.message(tenant.guard, asking(tenant), head, {"x": loose})
    assert tenant.leaves()[-1].reason == "unknown_origin"


def test_an_address_or_secret_of_googles_is_no_address_or_secret(tenant, head):
    for wrong in (
        Letterhead(tenant.sealed(URL), head.secrets, "msg_1"),
        Letterhead(head.url, [tenant.sealed(SECRET)], "msg_1"),
        Letterhead(head.url, [], "msg_1"),
    ):
        with pytest.raises(Refused):
            webhook.message(tenant.guard, asking(tenant), wrong, {})


def test_a_secret_moved_to_another_row_signs_nothing(tenant, head):
    place = head.secrets[0]._place._replace(row_id=new_id())
    moved = Letterhead(head.url, [Sealed(head.secrets[0]._wire, place)], "msg_1")
    with pytest.raises(Tampered):
        webhook.message(tenant.guard, asking(tenant), moved, {})


def test_a_message_beyond_its_size_is_refused(tenant, head, monkeypatch):
    monkeypatch.setattr(webhook, "LARGEST", 100)
    with pytest.raises(Refused):
        webhook.message(tenant.guard, asking(tenant), head, {"x": tenant.sealed("x" * 200, "content")})
    assert tenant.leaves()[-1].reason == "too_large"


def test_another_organisations_values_are_refused(tenant, another_tenant, head):
    with pytest.raises(Refused):
        webhook.message(tenant.guard, asking(tenant), head, {"x": another_tenant.sealed("x", "content")})
    assert tenant.leaves()[-1].reason == "other_organisation"


@pytest.mark.parametrize("feature", ["notices", "people", "ai_export", "export", "no_such"])
def test_no_other_feature_sends_what_users_wrote(tenant, head, feature):
    with pytest.raises(Refused):
        webhook.message(
            tenant.guard,
            asking(tenant, feature=feature),
            head,
            {"x": tenant.sealed("x", "content")},
        )
