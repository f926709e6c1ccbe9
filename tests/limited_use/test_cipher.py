"""Sealing and blind indexing by themselves: what is written where, and what is refused."""

import hmac
import uuid

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from limited_use.cipher import DIGEST_SIZE, BlindIndex, Sealer, Uses, encode, key_id_of
from limited_use.sealing import Field, Place, Sealed, SealedError, placed_in

ORGANISATION, ROW = uuid.UUID(int=1), uuid.UUID(int=2)
KEY = AESGCM(bytes(range(32)))
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=8)


def sealer(key_id: int = 7) -> Sealer:
    return Sealer(KEY, key_id, ORGANISATION, Uses())


@given(st.binary(min_size=1, max_size=64), NAMES, st.text() | st.binary())
def test_a_blind_index_is_the_hmac_of_kind_and_value(key, kind, value):
    index = BlindIndex(key)
    said = value if isinstance(value, bytes) else encode(value)
    for _ in range(2):  # the second from the state that was kept
        assert index.full_digest(kind, value) == hmac.digest(key, kind.encode() + b"\x00" + said, "sha256")
    assert index.digest(kind, value) == index.full_digest(kind, value)[:DIGEST_SIZE]


@pytest.mark.parametrize("kind", ["", "\x00", "email\x00x"])
def test_a_kind_whose_end_could_be_told_nowhere_is_refused(kind):
    with pytest.raises(ValueError, match="kind of a blind index"):
        BlindIndex(b"k").digest(kind, "x")


@given(NAMES, NAMES, NAMES, st.uuids(), st.text(st.characters(codec="utf-8")), st.integers(0, 2**32 - 1))
def test_what_is_sealed_opens_with_the_associated_data_of_its_place_alone(table, column, form, row, text, key_id):
    made = sealer(key_id).seal(table, column, row, text, form)
    wire, place = made._wire, Place(ORGANISATION, table, column, row, form)
    assert key_id_of(wire) == key_id
    assert made._place == place
    assert KEY.decrypt(wire[5:17], wire[17:], place.associated_data()).decode() == text


@pytest.mark.parametrize("names", [("a\x00", "b", "c"), ("a", "b\x00", "c"), ("a", "b", "\x00c")])
def test_a_place_whose_names_could_be_cut_elsewhere_is_refused(names):
    table, column, form = names
    with pytest.raises(SealedError):
        sealer().seal(table, column, ROW, "x", form)


def test_many_values_of_a_column_are_placed_in_their_rows_and_none_stays_none():
    made = sealer().seal("facts", "value", ROW, "x")
    field = Field(ORGANISATION, "facts", "value", "text")
    read = placed_in(field, [(made, ROW), (None, ROW), (made, None), (None, None)])
    assert [value if value is None else value._place for value in read] == [made._place, None, None, None]
    assert isinstance(read[0], Sealed)
    assert read[0]._wire == made._wire


def test_the_associated_data_is_as_what_is_stored_was_sealed_with():
    """Changing it makes everything unreadable that was ever sealed."""
    place = Place(ORGANISATION, "messages", "subject", ROW, "date")
    assert place.associated_data() == b"crm1\0" + ORGANISATION.bytes + b"\0messages\0subject\0" + ROW.bytes + b"\0date"
