"""The manifest is one that Google takes, with addresses of ours alone."""

from copy import deepcopy
from typing import Any

import pytest
from google.apps.script import type as common
from google.apps.script.type import gmail
from google.protobuf import json_format

from addon.events import IDENTITY_SCOPE, MESSAGE_SCOPE
from addon.manifest import SCOPES, audiences, manifest
from tests.addon.calls import PUBLIC, card_of, pressable


@pytest.fixture
def made(settings):
    return manifest(settings)


def parse(kind: Any, value: dict[str, Any]) -> None:
    json_format.ParseDict(value, type(kind.pb(kind()))(), ignore_unknown_fields=False)


def test_googles_schema_takes_every_part(made):
    addon = deepcopy(made["addOns"])
    addon["httpOptions"].pop("granularOauthPermissionSupport")  # younger than the published schema
    assert set(addon) == {"common", "gmail", "httpOptions"}
    parse(common.CommonAddOnManifest, addon["common"])
    parse(gmail.GmailAddOnManifest, addon["gmail"])
    parse(common.HttpOptions, addon["httpOptions"])


def test_consent_is_granular_and_the_system_token_comes_in_the_header(made):
    assert made["addOns"]["httpOptions"] == {
        "authorizationHeader": "SYSTEM_ID_TOKEN",
        "granularOauthPermissionSupport": "OPT_IN",
    }


def test_every_scope_that_a_call_needs_is_in_the_manifest(made):
    assert made["oauthScopes"] == list(SCOPES)
    assert {"openid", IDENTITY_SCOPE, MESSAGE_SCOPE} <= set(SCOPES)
    assert not [scope for scope in SCOPES if scope.endswith(("gmail.readonly", "gmail.modify", "mail.google.com/"))]


def test_every_address_that_google_calls_is_answered(made, app, settings):
    routed = {rule.rule for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ())}
    addon = made["addOns"]
    for url in (
        addon["common"]["homepageTrigger"]["runFunction"],
        addon["gmail"]["contextualTriggers"][0]["onTriggerFunction"],
    ):
        path = url.removeprefix(PUBLIC)
        assert path in routed
        assert audiences(settings, path) == [url]


def test_the_logo_is_there(made, app):
    path = made["addOns"]["common"]["logoUrl"].removeprefix(PUBLIC)
    with app.test_client().get(path) as answer:
        assert (answer.status_code, answer.content_type) == (200, "image/png")


def test_links_of_cards_stand_below_the_declared_prefix(made, host, letter):
    (prefix,) = made["addOns"]["common"]["openLinkUrlPrefixes"]
    buttons = pressable(host.message(letter)) | pressable(card_of(host.call("/addon/home")))
    links = [button["onClick"]["openLink"]["url"] for button in buttons.values() if "openLink" in button["onClick"]]
    assert links
    assert all(link.startswith(prefix) for link in links)
