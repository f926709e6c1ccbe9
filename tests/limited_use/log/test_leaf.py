"""The language of leaves: canonical, closed, and without words for content."""

import datetime as dt
import enum
from dataclasses import asdict, replace
from hashlib import sha256

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limited_use.log.leaf import LIMIT, Leaf, LeafRefused, check_body, commit_to, read_leaf
from limited_use.log.words import ActorClass, Decision, Kind, Purpose, Sink

AT = dt.datetime(2026, 3, 1, 12, 30, 15, 250_999, tzinfo=dt.UTC)
LEAF = Leaf(
    at=AT,
    kind=Kind.RELEASE,
    decision=Decision.OPEN,
    actor_class=ActorClass.MEMBER,
    org="0a" * 16,
    actor="1b" * 16,
    purpose=Purpose.USER_FEATURE,
    feature="people.list",
    sink=Sink.BROWSER,
    destination="browser",
    reason="allowed",
    policy="2c" * 32,
    labels=("gmail", "contacts", "gmail"),
    grants=("3d" * 16,),
    fields=("person_fact.value", "message.subject"),
    opened=200,
    withheld=3,
    records=50,
    rows="4e" * 32,
    commitment="5f" * 32,
)

pseudonyms = st.binary(min_size=16, max_size=16).map(bytes.hex)
digests = st.binary(min_size=32, max_size=32).map(bytes.hex)
slugs = st.from_regex(r"[a-z][a-z0-9_]{0,39}", fullmatch=True)
counts = st.integers(0, 10**11)
leaves = st.builds(
    Leaf,
    at=st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2200, 1, 1), timezones=st.just(dt.UTC)),  # noqa: DTZ001 -- made aware by hypothesis
    kind=st.sampled_from(Kind),
    decision=st.sampled_from(Decision),
    actor_class=st.sampled_from(ActorClass),
    org=st.none() | pseudonyms,
    actor=st.none() | pseudonyms,
    purpose=st.none() | st.sampled_from(Purpose),
    feature=st.none() | slugs,
    sink=st.none() | st.sampled_from(Sink),
    destination=st.none() | slugs | st.uuids().map(str),
    reason=st.none() | slugs,
    policy=st.none() | digests,
    labels=st.lists(st.sampled_from(["gmail", "calendar", "contacts", "derived"])).map(tuple),
    grants=st.lists(pseudonyms, max_size=3).map(tuple),
    fields=st.lists(st.tuples(slugs, slugs).map(".".join), max_size=4).map(tuple),
    opened=counts,
    withheld=counts,
    records=counts,
    rows=st.none() | digests,
    consent=st.none() | st.uuids().map(str),
    ticket=st.none() | pseudonyms,
    commitment=st.none() | digests,
)


def test_a_leaf_is_short_canonical_json() -> None:
    body = LEAF.body()
    said = orjson.loads(body)
    assert len(body) < 1024
    assert orjson.dumps(said, option=orjson.OPT_SORT_KEYS) == body
    assert said["at"] == "2026-03-01T12:30:15.250Z"
    assert said["labels"] == ["contacts", "gmail"]
    assert said["fields"] == ["message.subject", "person_fact.value"]
    assert said["v"] == 1


@given(leaves)
def test_every_leaf_reads_back_as_itself(leaf: Leaf) -> None:
    body = leaf.body()
    again = read_leaf(body)
    assert again.body() == body
    assert again.opened == leaf.opened
    assert set(again.grants) == set(leaf.grants)
    assert orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS) == body


@given(leaves, st.data())
def test_a_leaf_cut_short_or_lengthened_is_refused(leaf: Leaf, data: st.DataObject) -> None:
    body = leaf.body()
    with pytest.raises(LeafRefused):
        check_body(body[: data.draw(st.integers(0, len(body) - 1))])
    with pytest.raises(LeafRefused):
        check_body(body + data.draw(st.sampled_from([b" ", b"\n", b"{}", b"\x00"])))


@pytest.mark.parametrize("name", [n for n, v in asdict(LEAF).items() if v is None or isinstance(v, str)])
@pytest.mark.parametrize(
    "text",
    [
        "cworth@cworth.org",
        "Lunch on Friday?",
        "ya29.a0AfH6SMBx_token",
        "1//0gRefreshToken",
        "https://mail.google.com/mail/u/0/#inbox/18c2",
        'a","sink":"browser',
        "\u00e9t\u00e9",
        "a\n",
        "UPPER",
        "+1 650 555 0100",
        "x" * 200,
        "",
    ],
)
def test_no_field_takes_content(name: str, text: str) -> None:
    with pytest.raises(LeafRefused, match=name) as refused:
        replace(LEAF, **{name: text}).body()
    assert text == "" or text not in str(refused.value)


@pytest.mark.parametrize("name", ["labels", "grants", "fields"])
@pytest.mark.parametrize("text", ["cworth@cworth.org", "Re: the offer", "", "a.b.c@d", "12"])
def test_no_list_takes_content(name: str, text: str) -> None:
    with pytest.raises(LeafRefused, match=name):
        replace(LEAF, **{name: (text,)}).body()


@pytest.mark.parametrize("name", ["opened", "withheld", "records"])
@pytest.mark.parametrize("value", [-1, 1.5, True, "3", None, 10**12])
def test_counts_are_counts(name: str, value: object) -> None:
    with pytest.raises(LeafRefused, match=name):
        replace(LEAF, **{name: value}).body()


@pytest.mark.parametrize("name", ["feature", "reason", "actor"])
def test_what_json_cannot_write_is_refused_too(name: str) -> None:
    with pytest.raises(LeafRefused):
        replace(LEAF, **{name: b"bytes"}).body()
    with pytest.raises(LeafRefused):
        replace(LEAF, **{name: "\ud800"}).body()


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(LeafRefused, match="time zone"):
        replace(LEAF, at=dt.datetime(2026, 1, 1)).body()  # noqa: DTZ001 -- the naive time is the test


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'{"actor"', b'{ "actor"'),
        (b'"contacts","gmail"', b'"gmail","contacts"'),
        (b'"contacts","gmail"', b'"gmail","gmail"'),
        (b'"opened":200', b'"opened":0200'),
        (b'"opened":200', b'"opened":2e2'),
        (b'"v":1', b'"v":2'),
        (b'"kind":"release"', b'"kind":"lease"'),
        (b'"kind":"release"', b'"kind":"r\\u0065lease"'),
        (b"2026-03-01T", b"2026-02-30T"),
        (b".250Z", b".25Z"),
        (b'"ticket":null,', b""),
        (b'"v":1', b'"subject":"Lunch","v":1'),
        (b'"sink":"browser"', b'"sink":"ai_tool","sink":"browser"'),
    ],
)
def test_any_other_way_to_say_it_is_refused(old: bytes, new: bytes) -> None:
    body = LEAF.body()
    assert old in body
    with pytest.raises(LeafRefused):
        read_leaf(body.replace(old, new, 1))


def test_a_leaf_too_long_for_a_bundle_is_refused() -> None:
    many = tuple(f"table_{i:05d}.column" for i in range(4000))
    body_size = sum(len(name) + 3 for name in many)
    assert body_size > LIMIT
    with pytest.raises(LeafRefused):
        replace(LEAF, fields=many).body()


@given(st.binary(max_size=200))
def test_random_bytes_are_no_leaf(data: bytes) -> None:
    with pytest.raises(LeafRefused):
        check_body(data)


@pytest.mark.parametrize("words", [Kind, Decision, ActorClass, Purpose, Sink])
def test_every_word_of_the_vocabularies_can_be_said(words: type[enum.StrEnum]) -> None:
    name = {Kind: "kind", Decision: "decision", ActorClass: "actor_class", Purpose: "purpose", Sink: "sink"}[words]
    for word in words:
        assert getattr(read_leaf(replace(LEAF, **{name: word}).body()), name) is word


def test_a_commitment_is_salted() -> None:
    salt = b"s" * 32
    assert commit_to(salt, b"detail") == sha256(salt + b"detail").hexdigest()
    assert commit_to(salt, b"detail") != commit_to(b"t" * 32, b"detail")
    with pytest.raises(LeafRefused, match="32 bytes"):
        commit_to(b"", b"detail")
