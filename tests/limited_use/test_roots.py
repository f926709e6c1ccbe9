"""The roots of the key tree: a key file and Cloud KMS keep the same promises, and the service's faults do no harm."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
import requests
from google.auth.compute_engine import Credentials as PlatformCredentials
from google.auth.exceptions import TransportError
from sqlalchemy import select

from kernel.ids import new_id
from kernel.runtime import build
from limited_use import key_versions
from limited_use.cloud_kms import (
    CLOUD,
    FIRST_WAIT_S,
    TRIES,
    CloudKms,
    KeyAt,
    KeyServiceRefused,
    cloud_kms,
    crc32c,
    version_name,
)
from limited_use.cloud_kms import KeyServiceUnavailable as Unavailable
from limited_use.key_tree import KeyName
from limited_use.keyring import FileKeyring, KeyringError
from limited_use.keys import KeyPurpose, vault
from limited_use.models import Key
from limited_use.roots import MovingRoot
from tests.signing_in import control, google, migrated

__all__ = ["google", "migrated"]
KEY, CONTEXT = bytes(range(32)), b"a place in the tree"


def key_name():
    return f"projects/local/locations/global/keyRings/crm/cryptoKeys/k{new_id().hex}"


@pytest.fixture
def identity(google, tmp_path):
    """The key file of a service account."""
    path = tmp_path / "service-account.json"
    path.write_text(json.dumps(control(google, "POST", "service-account", x=1)))
    return path


@pytest.fixture
def on_kms(google, identity, migrated, runtime):
    """Return runtimes whose root is a fresh key at the service."""
    assert runtime.settings.kms_key == ""  # it empties the tables afterwards
    name = key_name()
    control(google, "POST", "kms/keys", name=name)
    made = []

    def make(**changes):
        given = {"keyring_path": None, "kms_credentials": identity, **changes}
        settings = replace(migrated, kms_key=name, **given)
        made.append(build(settings))
        return made[-1]

    yield make
    for one in made:
        one.close()
    control(google, "DELETE", "faults")


@pytest.fixture
def kms(on_kms):
    """The service, called as the product calls it, with no time lost between tries."""
    root, waits = cloud_kms(on_kms()), []
    root._wait = waits.append
    root.waits = waits
    return root


@pytest.fixture(params=["file", "kms"])
def roots(request, tmp_path):
    """Return a maker: of the same root again, as another process has it, or of another one."""
    if request.param == "file":
        FileKeyring(tmp_path / "this").create()
        FileKeyring(tmp_path / "other").create()
        return lambda which="this": FileKeyring(tmp_path / which)
    service, google_ = request.getfixturevalue("kms"), request.getfixturevalue("google")
    other = key_name()
    control(google_, "POST", "kms/keys", name=other)
    names = {"this": service._key.name, "other": other}
    return lambda which="this": CloudKms(KeyAt(google_.url, names[which]), service._post, service._token, service._wait)


# --- what each root promises


def test_what_was_wrapped_is_unwrapped_in_another_process(roots):
    wrapped = roots().wrap(KEY, CONTEXT)
    assert KEY not in wrapped
    assert roots().unwrap(wrapped, CONTEXT) == KEY
    assert roots().wrap(KEY, CONTEXT) != wrapped


def test_it_is_bound_to_its_context_and_root(roots):
    wrapped = roots().wrap(KEY, CONTEXT)
    for root, context in ((roots(), b"elsewhere"), (roots(), b""), (roots("other"), CONTEXT)):
        with pytest.raises(KeyringError):
            root.unwrap(wrapped, context)


def test_a_changed_byte_is_refused(roots):
    wrapped = roots().wrap(KEY, CONTEXT)
    for index in (4, 8, 20, len(wrapped) // 2, -1):
        changed = bytearray(wrapped)
        changed[index] ^= 1
        with pytest.raises(KeyringError):
            roots().unwrap(bytes(changed), CONTEXT)
    for cut in (b"", wrapped[:3], wrapped[:9], wrapped[:-1]):
        with pytest.raises(KeyringError):
            roots().unwrap(cut, CONTEXT)


def test_a_renewed_root_wraps_by_the_new_version_and_still_unwraps_by_the_old(roots):
    before, other_process = roots(), roots()
    old = before.wrap(KEY, CONTEXT)
    version = roots().renew()
    assert version == before.newest() == other_process.newest() == before.version_of(old) + 1
    new = other_process.wrap(KEY, CONTEXT)
    assert before.version_of(new) == version
    assert before.unwrap(new, CONTEXT) == other_process.unwrap(old, CONTEXT) == KEY


def test_a_root_that_is_there_is_not_made_again(roots):
    wrapped = roots().wrap(KEY, CONTEXT)
    roots().create()
    assert roots().unwrap(wrapped, CONTEXT) == KEY


# --- what only the service can do


def test_the_sums_are_those_of_the_standard():
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720 B.4
    assert crc32c(b"") == 0


def plan(google, method, fault, **more):
    control(google, "POST", "faults", method=f"cloudkms.{method}", fault=fault, **more)


@pytest.mark.parametrize("fault", ["exhausted_429", "backend_500", "backend_503", "html_503", "drop_before"])
def test_what_is_worth_another_try_is_tried_again_and_then_given_up(google, kms, fault):
    plan(google, "encrypt", fault, count=TRIES - 1)
    wrapped = kms.wrap(KEY, CONTEXT)
    assert len(kms.waits) == TRIES - 1
    assert all(FIRST_WAIT_S * 0.7 <= wait <= FIRST_WAIT_S * 9 * 1.3 for wait in kms.waits)
    plan(google, "decrypt", fault, count=TRIES)
    with pytest.raises(Unavailable):
        kms.unwrap(wrapped, CONTEXT)
    assert kms.unwrap(wrapped, CONTEXT) == KEY


def test_an_access_token_that_is_not_taken_is_renewed_once(google, kms):
    plan(google, "encrypt", "auth_error")
    wrapped = kms.wrap(KEY, CONTEXT)
    plan(google, "decrypt", "auth_error", count=2)
    with pytest.raises(KeyServiceRefused):
        kms.unwrap(wrapped, CONTEXT)


def test_no_permission_is_said_and_not_tried_again(google, kms):
    plan(google, "encrypt", "denied")
    with pytest.raises(KeyServiceRefused):
        kms.wrap(KEY, CONTEXT)
    assert kms.waits == []


@pytest.mark.parametrize("fault", ["spoiled_sum", "ignored_sums"])
def test_what_was_spoiled_on_the_way_is_not_stored(google, kms, fault):
    plan(google, "encrypt", fault)
    with pytest.raises(Unavailable):
        kms.wrap(KEY, CONTEXT)
    wrapped = kms.wrap(KEY, CONTEXT)
    plan(google, "decrypt", "spoiled_sum")
    with pytest.raises(Unavailable):
        kms.unwrap(wrapped, CONTEXT)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: b"",
        lambda _: b"<html>",
        lambda _: b"[]",
        lambda _: b'"plaintext"',
        lambda said: json.dumps({**said, "plaintext": None}).encode(),
        lambda said: json.dumps({**said, "plaintext": 7}).encode(),
        lambda said: json.dumps({**said, "plaintext": "\u00e9"}).encode(),
        lambda said: json.dumps({**said, "plaintextCrc32c": "x"}).encode(),
        lambda said: json.dumps({**said, "plaintextCrc32c": None}).encode(),
        lambda said: json.dumps({key: said[key] for key in said if key != "plaintextCrc32c"}).encode(),
        lambda said: json.dumps({key: said[key] for key in said if key != "plaintext"}).encode(),
    ],
)
def test_an_answer_that_is_none_opens_nothing(kms, spoil):
    wrapped, carry = kms.wrap(KEY, CONTEXT), kms._post
    kms._post = lambda *request: (200, spoil(json.loads(carry(*request)[1])))
    with pytest.raises(Unavailable):
        kms.unwrap(wrapped, CONTEXT)


@pytest.mark.parametrize("name", [None, 7, "", "cryptoKeyVersions/1", "projects/x/cryptoKeyVersions/0x1"])
def test_a_version_without_a_proper_name_is_none(kms, name):
    carry = kms._post
    kms._post = lambda *request: (200, json.dumps({**json.loads(carry(*request)[1]), "name": name}).encode())
    with pytest.raises(Unavailable):
        kms.wrap(KEY, CONTEXT)


def test_what_the_service_never_made_is_told_apart_from_what_it_refuses(kms):
    wrapped = kms.wrap(KEY, CONTEXT)
    with pytest.raises(KeyringError) as raised:
        kms.unwrap(wrapped, b"elsewhere")
    assert raised.type is KeyringError
    assert "KMS_KEY" in raised.value.told, "not the key file's sentence"
    for answer in (b'{"error": {"status": "FAILED_PRECONDITION"}}', b'{"error": "no"}', b'{"error": null}', b"x"):
        kms._post = lambda *_, answer=answer: (400, answer)
        with pytest.raises(KeyServiceRefused):
            kms.unwrap(wrapped, CONTEXT)


def test_the_address_may_end_with_a_slash():
    assert KeyAt("https://kms.example/", "a/b").url(":x") == KeyAt("https://kms.example", "a/b").url(":x")
    assert KeyAt("https://kms.example/", "a/b").url() == "https://kms.example/v1/a/b"


def test_the_service_notices_what_was_spoiled_on_its_way_there(kms, monkeypatch):
    monkeypatch.setattr("limited_use.cloud_kms.crc32c", lambda data: crc32c(data) ^ 1)
    with pytest.raises(KeyringError):
        kms.wrap(KEY, CONTEXT)


def test_a_disabled_or_destroyed_version_unwraps_nothing_until_it_is_back(google, kms):
    wrapped = kms.wrap(KEY, CONTEXT)
    version = f"{google.url}/v1/{kms._key.name}/cryptoKeyVersions/1"
    renewed = False
    headers = {"Authorization": f"Bearer {kms._token(renewed)}"}

    def call(verb, suffix="", **body):
        assert requests.request(verb, version + suffix, json=body, headers=headers, timeout=5).status_code == 200

    for ends, back in (
        (("PATCH", "?updateMask=state"), ("PATCH", "?updateMask=state")),
        (("POST", ":destroy"), ("POST", ":restore")),
    ):
        call(*ends, state="DISABLED")
        with pytest.raises(KeyServiceRefused):
            kms.unwrap(wrapped, CONTEXT)
        call(*back, state="ENABLED")
    call("PATCH", "?updateMask=state", state="ENABLED")
    assert kms.unwrap(wrapped, CONTEXT) == KEY


def test_a_key_that_is_not_there_is_said(google, kms):
    away = CloudKms(KeyAt(google.url, key_name()), kms._post, kms._token, kms._wait)
    for call in (away.newest, away.renew, away.create, lambda: away.wrap(KEY, CONTEXT)):
        with pytest.raises(KeyServiceRefused):
            call()


def test_people_tell_versions_of_the_service_from_those_of_a_file():
    assert (version_name(CLOUD | 3), version_name(3)) == ("version 3 at Cloud KMS", "version 3")


def test_without_an_identity_nothing_is_asked(on_kms, monkeypatch, tmp_path):
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    for path in (None, tmp_path / "none.json"):
        with pytest.raises(KeyServiceRefused, match="KMS_CREDENTIALS"):
            vault(on_kms(kms_credentials=path)).create_organisation(new_id())


@pytest.mark.parametrize(("fault", "tries"), [("drop_before", 1), ("html_503", 3), ("server_error", 3)])
def test_an_identity_that_cannot_be_proved_at_present_may_be_later(google, kms, monkeypatch, fault, tries):
    monkeypatch.setattr("google.auth._exponential_backoff.time", SimpleNamespace(sleep=lambda _: None))
    control(google, "POST", "faults", method="oauth.token", fault=fault, count=tries)
    with pytest.raises(Unavailable) as caught:
        kms.wrap(KEY, CONTEXT)
    assert caught.value.retry
    assert kms.unwrap(kms.wrap(KEY, CONTEXT), CONTEXT) == KEY


def test_a_platform_that_gives_no_token_at_present_may_later(on_kms, monkeypatch):
    asked = []

    def metadata(_request, path, **_):
        asked.append(path)
        raise TransportError("the metadata server did not answer")

    monkeypatch.setattr("google.auth.default", lambda **_: (PlatformCredentials(), None))
    monkeypatch.setattr("google.auth.compute_engine._metadata.get", metadata)
    with pytest.raises(Unavailable):
        cloud_kms(on_kms(kms_credentials=None)).wrap(KEY, CONTEXT)
    assert asked


def test_an_identity_that_is_not_taken_is_refused(on_kms, identity, tmp_path):
    nobody = tmp_path / "nobody.json"
    nobody.write_text(json.dumps(json.loads(identity.read_text()) | {"client_email": "nobody@local.example"}))
    with pytest.raises(KeyServiceRefused):
        cloud_kms(on_kms(kms_credentials=nobody)).wrap(KEY, CONTEXT)


def test_the_identity_may_come_from_the_environment(on_kms, monkeypatch, identity):
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(identity))
    vault(on_kms(kms_credentials=None)).create_organisation(new_id())


# --- the product on it


def _wrapped(runtime):
    with runtime.key_sessions() as session:
        return session.scalars(select(Key.wrapped).where(Key.purpose == "wrap", Key.wrapped.is_not(None))).all()


def test_the_product_keeps_its_keys_under_the_service(runtime, on_kms, google):
    organisation_id, row_id = new_id(), new_id()
    first, second = vault(on_kms()), vault(on_kms())
    first.create_organisation(organisation_id)
    value = first.sealer(organisation_id, KeyPurpose.CONTENT).seal("notes", "body", row_id, "a note")
    key_id = int.from_bytes(value._wire[1:5], "big")
    assert second.opening([key_id])
    version = first.store.provider.renew()
    assert key_versions.rewrap_root(second.store) == (None, 1)
    assert key_versions.rewrap_root(second.store) == (None, 0)
    third = vault(on_kms())
    assert third.opening([key_id])
    (wrapped,) = _wrapped(runtime)
    assert third.store.provider.version_of(wrapped) == version == CLOUD | 2
    plan(google, "decrypt", "denied", count=9)
    with pytest.raises(KeyServiceRefused):
        vault(on_kms()).opening([key_id])


def test_wrap_keys_are_wrapped_anew_in_batches_whatever_stands_between(runtime, monkeypatch, another_runtime):
    monkeypatch.setattr(key_versions, "BATCH", 2)
    keys, organisations = vault(runtime), [new_id() for _ in range(5)]
    for organisation_id in organisations:
        keys.create_organisation(organisation_id)
    with runtime.key_sessions.begin() as session:
        wraps = session.scalars(select(Key).where(Key.purpose == "wrap").order_by(Key.id)).all()
        wraps[1].wrapped, wraps[1].destroyed_at = None, runtime.clock.now()
    root = keys.store.provider
    root.renew()
    with runtime.key_sessions.begin() as session:  # another process was as far as this one
        row = session.get_one(Key, wraps[3].id)
        context = KeyName.of(row).context(row.version)
        row.wrapped = root.wrap(root.unwrap(row.wrapped, context), context)
    after, done = key_versions.rewrap_root(keys.store)
    assert (after, done) == (wraps[2].id, 2)
    assert key_versions.rewrap_root(keys.store, after) == (wraps[4].id, 1)
    assert key_versions.rewrap_root(keys.store, wraps[4].id) == (None, 0)
    assert {root.version_of(wrapped) for wrapped in _wrapped(runtime)} == {root.newest()}
    fresh = vault(another_runtime())
    for number in (0, 2, 3, 4):
        fresh.indexer(organisations[number])


def test_keys_move_from_a_file_to_the_service(runtime, migrated, on_kms, another_runtime):
    organisation_id = new_id()
    vault(runtime).create_organisation(organisation_id)
    digest = vault(runtime).indexer(organisation_id).digest("a", "b")
    with pytest.raises(KeyringError, match="KEYRING_PATH"):
        vault(on_kms()).indexer(organisation_id)
    moving = vault(on_kms(keyring_path=migrated.keyring_path))
    assert isinstance(moving.store.provider, MovingRoot)
    assert moving.indexer(organisation_id).digest("a", "b") == digest
    assert key_versions.rewrap_root(moving.store) == (None, 1)
    for later in (on_kms(), on_kms(keyring_path=migrated.keyring_path)):
        assert vault(later).indexer(organisation_id).digest("a", "b") == digest
    with pytest.raises(KeyringError):
        vault(another_runtime()).indexer(organisation_id)
