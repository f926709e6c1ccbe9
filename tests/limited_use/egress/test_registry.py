"""The registry of destinations: what it may say, and what the settings may say beside it."""

from dataclasses import replace

import pytest

from kernel.settings import GoogleEndpoints
from limited_use.egress import Client, EgressRefused, client
from limited_use.egress.errors import RegistryError
from limited_use.egress.registry import FILE, for_settings, origin_of, read_registry, shipped_registry

GOOD = FILE.read_text()


def test_the_shipped_registry_names_everything_that_is_spoken_to(settings):
    registry = for_settings(replace(settings, google=GoogleEndpoints(), kms_key="projects/p"))
    registry.check("https://gmail.googleapis.com/gmail/v1/users/me/messages", "google_workspace")
    registry.check("https://oauth2.googleapis.com/token", "google_oauth")
    registry.check("https://www.googleapis.com/oauth2/v1/certs", "google_certs")
    registry.check("https://cloudkms.googleapis.com/v1/projects/x", "google_kms")
    for url in (
        "https://gmail.googleapis.com.evil.example/",
        "http://gmail.googleapis.com/",
        "https://gmail.googleapis.com:444/",
        "https://user@gmail.googleapis.com/",
        "https://oauth2.googleapis.com/token",
        "https://[::1/",
    ):
        with pytest.raises(EgressRefused):
            registry.check(url, "google_workspace")


def test_what_an_installation_does_not_use_it_cannot_reach(settings):
    registry = for_settings(replace(settings, google=GoogleEndpoints(), kms_key=""))
    for url in ("https://cloudkms.googleapis.com/v1/projects/x", "http://metadata.google.internal/"):
        with pytest.raises(EgressRefused):
            registry.check(url, "google_kms", "platform_identity")
    assert ("metadata.google.internal", 80) not in registry.places


def test_every_entry_says_who_what_why_where_and_under_what_terms():
    assert len(shipped_registry()) >= 5
    for entry in shipped_registry():
        assert min(map(len, (entry.who, entry.purpose, entry.data, entry.region, entry.terms))) > 3, entry.name


def test_a_stand_in_on_loopback_takes_google_s_place_and_google_is_closed_then(settings):
    registry = for_settings(replace(settings, google=GoogleEndpoints.under("http://127.0.0.1:4000")))
    registry.check("http://127.0.0.1:4000/token", "google_oauth")
    with pytest.raises(EgressRefused):
        registry.check("https://oauth2.googleapis.com/token", "google_oauth")


def test_a_setting_that_names_another_host_keeps_the_product_from_starting(runtime):
    astray = replace(runtime.settings, google=replace(GoogleEndpoints(), token="https://oauth2.evil.example/token"))
    with pytest.raises(RegistryError, match=r"google\.token"):
        Client(astray, runtime.clock)
    assert client(runtime) is client(runtime)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('class = "google"', 'class = "ads"', "class"),
        ('class = "google"', 'class = "ai_tool"', "class"),
        ('"https://oauth2.googleapis.com", "https', '"http://oauth2.googleapis.com", "https', "https"),
        ('"https://gmail.googleapis.com"', '"https://*.googleapis.com"', "https"),
        ('"https://gmail.googleapis.com"', '"https://user@gmail.googleapis.com"', "read"),
        ('"https://gmail.googleapis.com"', '"https://gmail.googleapis.com/x"', "https"),
        ('region = "Worldwide"', "", "exactly"),
        ('region = "Worldwide"', 'region = ""', "unsaid"),
        ('name = "google_certs"', 'name = "google_oauth"', "name of its own"),
        ("hosts = []", 'hosts = ["https://a.example.com"]', "given by users"),
        ("[[destinations]]", "[[", "TOML"),
    ],
    ids=["ads", "ai", "plain", "wildcard", "user", "path", "missing", "empty", "twice", "webhook", "broken"],
)
def test_a_registry_that_says_what_it_may_not_is_refused(old, new, told):
    assert old in GOOD
    with pytest.raises(RegistryError, match=told):
        read_registry(GOOD.replace(old, new, 1).encode())


def test_an_entry_whose_setting_does_not_exist_is_refused(settings):
    entries = read_registry(GOOD.replace('"google.certs"', '"google.nothing"').encode())
    with pytest.raises(RegistryError, match="setting"):
        for_settings(settings, entries)


@pytest.mark.parametrize(
    "url", ["", "x", "https://", "https:///x", "https://:443/", "gopher://hooks.example.com/", "https://a:b@c.example/"]
)
def test_an_address_without_scheme_host_or_port_belongs_to_nobody(url):
    with pytest.raises(EgressRefused):
        origin_of(url)


def test_places_are_alike_in_whatever_case_and_with_the_usual_port_said_or_not():
    assert origin_of("HTTPS://Hooks.Example.com/a?b") == origin_of("https://hooks.example.com:443")
    assert origin_of("smtp://mail.example.com:25") == ("smtp", "mail.example.com", 25)
