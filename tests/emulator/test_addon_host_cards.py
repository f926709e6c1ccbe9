"""Which cards and envelopes the add-on's host lets pass, and how navigations move its stack."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.addon_host import read_reply
from emulator.addon_host.cards import card_problems
from emulator.addon_host.envelope import CLICK, TRIGGER
from emulator.addon_host.stack import navigate

BASE = "https://crm.test"


def card(*widgets: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"header": {"title": "Ann"}, "sections": [{"widgets": list(widgets) or [{"divider": {}}]}], **more}


def button(**more: Any) -> dict[str, Any]:
    return {"text": "Go", "onClick": {"openLink": {"url": f"{BASE}/people"}}, **more}


EVERY_WIDGET = card(
    {"textParagraph": {"text": '<b>Hi</b> <a href="https://x.test">x</a>'}},
    {"decoratedText": {"topLabel": "Mail", "text": "a", "startIcon": {"knownIcon": "EMAIL"}, "button": button()}},
    {
        "buttonList": {
            "buttons": [
                button(),
                button(
                    onClick={"action": {"function": f"{BASE}/addon/do", "parameters": [{"key": "a", "value": "1"}]}}
                ),
            ]
        }
    },
    {"textInput": {"name": "note", "label": "Note", "type": "MULTIPLE_LINE"}},
    {"selectionInput": {"name": "stage", "type": "DROPDOWN", "items": [{"text": "Open", "value": "o"}]}},
    {"dateTimePicker": {"name": "due", "label": "Due", "type": "DATE_ONLY"}},
    {"divider": {}},
    {"grid": {"items": [{"id": "1", "title": "one"}], "columnCount": 2}},
    {"chipList": {"chips": [{"label": "Deal", "onClick": {"openLink": {"url": "mailto:a@b.test"}}}]}},
    {"image": {"imageUrl": "https://x.test/a.png"}},
    name="root",
    fixedFooter={"primaryButton": button()},
)


def test_a_card_with_every_widget_is_valid() -> None:
    assert card_problems(EVERY_WIDGET, BASE) == []


@pytest.mark.parametrize(
    "wrong",
    [
        card({"keyValue": {"content": "x"}}),
        card({}),
        card({"textParagraph": {"text": "a"}, "divider": {}}),
        card(None),  # type: ignore[arg-type]  # on purpose
        {"sections": []},
        {"sections": [{"widgets": []}]},
        card(header={"subtitle": "no title"}),
        card({"textParagraph": {"text": "<script>x</script>"}}),
        card({"textParagraph": {}}),
        card({"textParagraph": {"text": "a", "textSyntax": "MARKDOWN"}}),
        card({"carousel": {}}),
        card({"columns": {"columnItems": []}}),
        card({"buttonList": {"buttons": [{"text": "Go"}]}}),
        card({"buttonList": {"buttons": [button(text="")]}}),
        card({"textInput": {"name": "a"}}),
        card({"textInput": {"label": "A"}}),
        card({"selectionInput": {"name": "a", "items": []}}),
        card({"textInput": {"name": "a", "label": "A"}}, {"textInput": {"name": "a", "label": "B"}}),
        card({"decoratedText": {"text": "a", "startIcon": {"knownIcon": "ENVELOPE"}}}),
        card({"decoratedText": {"text": "a", "startIcon": {"materialIcon": {"name": "mail"}}}}),
        card({"buttonList": {"buttons": [button(onClick={"openLink": {"url": "http://x.test"}})]}}),
        card({"buttonList": {"buttons": [button(onClick={"openLink": {"url": "javascript:alert(1)"}})]}}),
        card({"buttonList": {"buttons": [button(onClick={"action": {"function": "doIt"}})]}}),
        card({"buttonList": {"buttons": [button(onClick={"action": {"function": "https://evil.test/x"}})]}}),
        card(
            {
                "buttonList": {
                    "buttons": [button(onClick={"action": {"function": f"{BASE}/x", "parameters": {"a": "1"}}})]
                }
            }
        ),
        card(
            {
                "buttonList": {
                    "buttons": [button(onClick={"action": {"function": f"{BASE}/x", "interaction": "OPEN_DIALOG"}})]
                }
            }
        ),
        card({"image": {"imageUrl": "https://x.test/a.svg"}}),
        card({"image": {"imageUrl": "http://x.test/a.png"}}),
        card(fixedFooter={}),
        card(*[{"divider": {}}] * 101),
        card(surprise=1),
        [],
    ],
)
def test_a_card_that_gmail_would_not_show_is_told(wrong: Any) -> None:
    assert card_problems(wrong, BASE)


def test_a_trigger_is_answered_bare_and_a_click_wrapped() -> None:
    actions = {"action": {"navigations": [{"pushCard": card()}]}}
    assert read_reply(TRIGGER, actions, BASE, 100).problems == []
    assert read_reply(CLICK, {"renderActions": actions, "stateChanged": True}, BASE, 100).problems == []
    assert read_reply(CLICK, {}, BASE, 2).problems == []
    assert read_reply(CLICK, actions, BASE, 100).problems
    assert read_reply(TRIGGER, {"renderActions": actions}, BASE, 100).problems
    assert read_reply(TRIGGER, {"action": {"navigations": [{"updateCard": card()}]}}, BASE, 100).problems


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        "x",
        {"actions": {}},
        {"renderActions": []},
        {"stateChanged": "yes"},
        {"renderActions": {"action": {"navigations": {}}}},
        {"renderActions": {"action": {"navigations": [{"popCard": True}]}}},
        {"renderActions": {"action": {"navigations": [{"pop": 1}]}}},
        {"renderActions": {"action": {"navigations": [{"pushCard": card(), "pop": True}]}}},
        {"renderActions": {"action": {"toast": 1}}},
        {"renderActions": {"action": {"link": {"url": "http://x.test"}}}},
        {"renderActions": {"hostAppAction": {"driveThing": {}}}},
        {"requesting_google_scopes": {}},
        {"requesting_google_scopes": {"scopes": ["a"], "all_scopes": True}},
        {"basic_authorization_prompt": {"authorization_url": "https://x.test"}},
    ],
)
def test_an_envelope_that_google_would_refuse_is_told(wrong: Any) -> None:
    assert read_reply(CLICK, wrong, BASE, 100).problems


def test_both_spellings_of_the_envelope_are_read() -> None:
    reply = read_reply(
        CLICK, {"render_actions": {"action": {"notification": {"text": "Saved"}}}, "state_changed": True}, BASE, 100
    )
    assert (reply.problems, reply.notification, reply.state_changed) == ([], "Saved", True)
    asked = read_reply(TRIGGER, {"requesting_google_scopes": {"scopes": ["openid"]}}, BASE, 100)
    assert (asked.problems, asked.scopes_wanted) == ([], ["openid"])


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "action",
                    "navigations",
                    "pushCard",
                    "sections",
                    "widgets",
                    "header",
                    "textParagraph",
                    "text",
                    "renderActions",
                    "onClick",
                    "buttonList",
                    "buttons",
                    "link",
                    "requestingGoogleScopes",
                    "fixedFooter",
                    "x",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(st.sampled_from([TRIGGER, CLICK]), _JSON)
def test_no_answer_whatever_makes_the_host_fail(kind: str, body: Any) -> None:
    read_reply(kind, body, BASE, 100)


def test_navigations_move_the_stack_as_gmail_does() -> None:
    one, two, three = ({"name": name} for name in ("one", "two", "three"))
    assert navigate([], [("pushCard", one)]) == [one]
    assert navigate([one], [("updateCard", two)]) == [two]
    assert navigate([one, two], [("pop", True), ("pushCard", three)]) == [one, three]
    assert navigate([one], [("pop", True)]) == [one]
    assert navigate([one, two, three], [("popToCard", "one")]) == [one]
    assert navigate([one, two, three], [("popToRoot", True), ("updateCard", two)]) == [two]
    assert navigate([one, two], [("popToCard", "nowhere")]) == [one, two]
