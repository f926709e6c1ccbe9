"""Cards: opened text is escaped where a card reads HTML, plain where it does not, and never acts."""

import datetime as dt

import orjson
import pytest

from limited_use.asking import Refused, WrongSink
from limited_use.sealing import Native, SealedError, System
from limited_use.sinks import sidebar
from limited_use.sinks.sidebar import Present, Text

EVIL = "<a href=\"https://evil.example\">Bob & 'Al'</a>"
SAFE = "&lt;a href=&quot;https://evil.example&quot;&gt;Bob &amp; &#x27;Al&#x27;&lt;/a&gt;"


@pytest.fixture
def card(tenant):
    def make(tree, **said):
        asking = tenant.asking("sidebar", "sidebar", actor="addon", **said)
        return orjson.loads(orjson.dumps(sidebar.card(tenant.guard, asking, tree)))

    return make


def widgets(*many):
    return {"sections": [{"widgets": list(many)}]}


def test_html_fields_are_escaped_and_plain_ones_are_not(tenant, card):
    made = card(
        {
            "header": {"title": tenant.sealed(EVIL), "subtitle": Text("of ", tenant.sealed("A&B"))},
            **widgets(
                {"textParagraph": {"text": tenant.sealed(EVIL)}},
                {"textParagraph": {"text": Text("a < b: ", tenant.sealed(EVIL))}},
                {"textParagraph": {"text": "<b>ours</b>"}},
                {
                    "decoratedText": {
                        "text": tenant.sealed(EVIL),
                        "topLabel": tenant.sealed(EVIL),
                        "bottomLabel": Text("<", tenant.sealed("A&B"), ">"),
                        "button": {"text": tenant.sealed("A&B"), "altText": tenant.sealed("A&B")},
                    }
                },
            ),
        }
    )
    first, second, third, fourth = (next(iter(widget.values())) for widget in made["sections"][0]["widgets"])
    assert made["header"] == {"title": EVIL, "subtitle": "of A&B"}
    assert first["text"] == SAFE
    assert second["text"] == f"a &lt; b: {SAFE}"
    assert third["text"] == "<b>ours</b>"
    assert (fourth["text"], fourth["topLabel"], fourth["bottomLabel"]) == (SAFE, EVIL, "<A&B>")
    assert fourth["button"] == {"text": "A&B", "altText": "A&B"}


def test_presentations_apply_after_opening(tenant, card):
    at = tenant.runtime.clock.now() - dt.timedelta(days=2, hours=1)
    made = card(widgets({"textParagraph": {"text": Text("Last: ", Present(tenant.labelled(at), "ago"))}}))
    assert made["sections"][0]["widgets"][0]["textParagraph"]["text"] == "Last: 2 days ago"


def test_only_text_presentations_of_guarded_values_are_for_cards(tenant):
    for value, name in ((tenant.sealed("x"), "mail_link"), (tenant.sealed("x"), "none_such"), ("bare", "text")):
        with pytest.raises(SealedError):
            Present(value, name)
    with pytest.raises(SealedError):
        Text("a", 3)
    with pytest.raises(SealedError):
        str(Present(tenant.sealed("x"), "text"))
    assert repr(Text(tenant.sealed("x"))) == "<text>"


@pytest.mark.parametrize(
    "build",
    [
        lambda v: {"image": {"imageUrl": v}},
        lambda v: {"buttonList": {"buttons": [{"text": "x", "onClick": {"openLink": {"url": v}}}]}},
        lambda v: {"buttonList": {"buttons": [{"onClick": {"action": {"function": v}}}]}},
        lambda v: {"buttonList": {"buttons": [{"onClick": {"action": {"parameters": [{"key": "a", "value": v}]}}}]}},
        lambda v: {"buttonList": {"buttons": [{"onClick": {"action": {"parameters": [{"text": v}]}}}]}},
        lambda v: {"decoratedText": {"startIcon": {"iconUrl": v}}},
        lambda v: {"textInput": {"name": v}},
        lambda v: {"selectionInput": {"items": [{"text": "x", "value": v}]}},
        lambda v: {"grid": {"items": [{"id": v}]}},
        lambda v: {"grid": {"items": [{"image": {"imageUri": v}}]}},
        lambda v: {"unheardOf": v},
        lambda v: {"textParagraph": {"text": Text("a"), "x": Text(v)}},
    ],
)
def test_nothing_from_google_stands_where_a_card_acts(tenant, card, build):
    for value in (tenant.sealed("x"), tenant.labelled("x")):
        with pytest.raises(Refused):
            card(widgets(build(value)))
    assert {leaf.reason for leaf in tenant.leaves()} == {"wrong_place"}


def test_our_own_ids_may_stand_there(card):
    tree = widgets({"buttonList": {"buttons": [{"onClick": {"openLink": {"url": System("https://a.example/1")}}}]}})
    assert "https://a.example/1" in str(card(tree))


def test_the_entry_says_how_many_records_the_card_is_about(tenant):
    asking = tenant.asking("sidebar", "sidebar", actor="addon")
    sidebar.card(tenant.guard, asking, widgets({"textParagraph": {"text": tenant.sealed("x")}}), records=12)
    assert [leaf.records for leaf in tenant.leaves()] == [12]


def test_what_is_typed_over_is_plain(tenant, card):
    made = card(widgets({"textInput": {"name": "note", "label": "Note", "value": tenant.sealed("A&B")}}))
    assert made["sections"][0]["widgets"][0]["textInput"]["value"] == "A&B"


def test_a_teammate_sees_a_mark_and_plain_leaves_stay(tenant, card):
    tree = {"title": tenant.sealed("x"), "on": True, "n": 1, "f": 0.5, "none": None, "text": Native(2)}
    assert card(tree, member_id=tenant.teammate_id) == {
        "title": "withheld",
        "on": True,
        "n": 1,
        "f": 0.5,
        "none": None,
        "text": "2",
    }


def test_loose_objects_and_other_sinks_are_refused(tenant, card):
    with pytest.raises(Refused):
        card({"text": object()})
    with pytest.raises(WrongSink):
        sidebar.card(tenant.guard, tenant.asking(), {})
