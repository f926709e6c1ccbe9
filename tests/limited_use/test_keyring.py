"""The key file: private, made once, told when it is damaged or lost."""

import stat

import pytest

from limited_use.keyring import FileKeyring, KeyringError
from limited_use.keys import KeyPurpose, vault


def test_the_key_file_is_private_and_made_once(tmp_path):
    path = tmp_path / "quite" / "deep" / "keyring.json"
    FileKeyring(path).create()
    first = path.read_text()
    FileKeyring(path).create()
    assert path.read_text() == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_key_file_that_others_can_read_is_refused(tmp_path):
    path = tmp_path / "keyring.json"
    FileKeyring(path).create()
    path.chmod(0o640)
    with pytest.raises(KeyringError, match="chmod 600"):
        FileKeyring(path).wrap(b"x" * 32, b"c")


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"1": "x"}', '{"1": "AAAA"}', '{"a": "AAAA"}', "null"])
def test_a_damaged_key_file_is_told(tmp_path, content):
    path = tmp_path / "keyring.json"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(KeyringError):
        FileKeyring(path).wrap(b"x" * 32, b"c")


def test_the_key_file_binds_what_it_wraps(tmp_path):
    FileKeyring(tmp_path / "one").create()
    FileKeyring(tmp_path / "two").create()
    one, two = FileKeyring(tmp_path / "one"), FileKeyring(tmp_path / "two")
    wrapped = one.wrap(b"k" * 32, b"here")
    assert one.unwrap(wrapped, b"here") == b"k" * 32
    for ring, what, context in ((one, wrapped, b"there"), (two, wrapped, b"here"), (one, wrapped[:10], b"here")):
        with pytest.raises(KeyringError):
            ring.unwrap(what, context)


def test_a_lost_key_file_is_not_made_anew_beside_keys(tenant, migrated, another_runtime, tmp_path):
    path = migrated.keyring_path
    kept = path.rename(tmp_path / "kept")
    try:
        with pytest.raises(KeyringError):
            vault(another_runtime()).sealer(tenant.organisation_id, KeyPurpose.CONTENT)
        assert not path.exists()
    finally:
        kept.rename(path)
