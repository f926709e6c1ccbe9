"""What the public addresses answer, and what the admins of one organisation find."""

import datetime as dt
import uuid

import pytest

from limited_use.log.checkpoint import open_checkpoint
from limited_use.log.leaf import read_leaf
from limited_use.log.query import Filters, Page, facets, leaves, one
from limited_use.log.record import append, integrate
from limited_use.log.serve import answer
from limited_use.log.tiles import bundle_places, parse_path, tile_places, unpack
from limited_use.log.tree import fold, hash_leaf
from limited_use.log.words import Decision, Kind, Sink

ORGANISATION, OTHER = uuid.UUID(int=7), uuid.UUID(int=8)


def test_the_public_addresses_give_the_whole_log(signed_log, signer) -> None:
    with signed_log.sessions() as session:
        head = answer(session, "checkpoint", signer.verifier)
        size = open_checkpoint(head.body, signer.verifier).size
        assert (size, head.content_type, head.cache_control) == (700, "text/plain; charset=utf-8", "no-cache")
        assert answer(session, "vkey", signer.verifier).body.decode().strip() == signer.vkey
        bundles = [answer(session, place.path(), signer.verifier) for place in bundle_places(size)]
        hashes = b"".join(hash_leaf(entry) for bundle in bundles for entry in unpack(bundle.body))
        assert fold(hashes) == open_checkpoint(head.body, signer.verifier).root
        tiles = {place: answer(session, place.path(), signer.verifier) for place in tile_places(size)}
    assert b"".join(tile.body for place, tile in tiles.items() if place.level == 0) == hashes
    assert all("immutable" in tile.cache_control for tile in tiles.values())
    assert all(tile.content_type == "application/octet-stream" for tile in tiles.values())


def test_a_tile_of_an_older_head_is_still_served(signed_log, signer) -> None:
    with signed_log.sessions() as session:
        older = answer(session, "tile/0/000.p/100", signer.verifier)
        whole = answer(session, "tile/0/000", signer.verifier)
    assert older.body == whole.body[:3200]


@pytest.mark.parametrize(
    "path",
    [
        *("", "checkpoint/", "../checkpoint", "tile/0/003", "tile/0/002", "tile/0/002.p/189", "tile/2/000.p/1"),
        *("tile/entries/003", "tile/entries/002.p/189", "tile/0/x999/x999/x999/x999/999", "tile/0/0"),
        *("tile/entries/x999/x999/x999/x999/999", "tile/63/x999/x999/x999/x999/999", "verify.py"),
    ],
)
def test_nothing_else_is_served(signed_log, signer, path: str) -> None:
    with signed_log.sessions() as session:
        assert answer(session, path, signer.verifier) is None


def test_a_leaf_without_an_index_is_not_served(runtime, signer, write_leaves) -> None:
    write_leaves(3)
    with runtime.sessions() as session:
        assert answer(session, "checkpoint", signer.verifier) is None
        assert answer(session, "tile/entries/000.p/3", signer.verifier) is None
    assert parse_path("tile/entries/000.p/3") is not None


@pytest.fixture
def mixed(runtime, write_leaves, make_leaf, signer):
    """Leaves of two organisations and of none, of several kinds."""
    write_leaves(5)
    write_leaves(3, 5, sink=Sink.AI_TOOL, decision=Decision.WITHHOLD, feature="ai.people", withheld=4)
    write_leaves(2, 8, kind=Kind.REVOCATION, decision=Decision.EVENT, sink=None, feature=None, purpose=None)
    write_leaves(4, 10, organisation_id=OTHER)
    with runtime.begin() as work:
        append(work.session, make_leaf(20, kind=Kind.POLICY), organisation_id=None)
        append(work.session, make_leaf(21), organisation_id=ORGANISATION, actor_id=uuid.UUID(int=99))
    integrate(runtime.sessions, signer, runtime.clock)
    return runtime


def found(mixed, filters: Filters, organisation: uuid.UUID = ORGANISATION) -> list[int]:
    with mixed.sessions() as session:
        return [row.leaf.records for row in leaves(session, organisation, filters, Page(size=500)).rows]


def test_an_organisation_sees_its_own_leaves_newest_first(mixed) -> None:
    assert found(mixed, Filters()) == [21, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
    assert found(mixed, Filters(), OTHER) == [13, 12, 11, 10]
    assert found(mixed, Filters(), uuid.UUID(int=1)) == []


@pytest.mark.parametrize(
    ("filters", "records"),
    [
        (Filters(sinks=(Sink.AI_TOOL,)), [7, 6, 5]),
        (Filters(sinks=(Sink.AI_TOOL, Sink.BROWSER), decisions=(Decision.WITHHOLD,)), [7, 6, 5]),
        (Filters(decisions=(Decision.EVENT,)), [9, 8]),
        (Filters(kinds=(Kind.REVOCATION,)), [9, 8]),
        (Filters(kinds=(Kind.POLICY,)), []),
        (Filters(features=("ai.people",)), [7, 6, 5]),
        (Filters(actor_id=uuid.UUID(int=99)), [21]),
        (Filters(since=dt.datetime(2026, 3, 1, 12, 0, 9, tzinfo=dt.UTC)), [21, 9]),
        (Filters(until=dt.datetime(2026, 3, 1, 12, 0, 2, tzinfo=dt.UTC)), [1, 0]),
    ],
)
def test_filters_narrow(mixed, filters: Filters, records: list[int]) -> None:
    assert found(mixed, filters) == records


def test_pages_follow_each_other_without_gap_or_repeat(mixed) -> None:
    seen: list[int] = []
    before: int | None = None
    with mixed.sessions() as session:
        for _ in range(10):
            page = leaves(session, ORGANISATION, Filters(), Page(before, 4))
            seen += [row.leaf.records for row in page.rows]
            before = page.before
            if before is None:
                break
    assert seen == [21, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]


def test_page_sizes_are_bounded(mixed) -> None:
    with mixed.sessions() as session:
        assert len(leaves(session, ORGANISATION, Filters(), Page(size=0)).rows) == 1
        assert len(leaves(session, ORGANISATION, Filters(), Page(size=10**9)).rows) == 11


def test_no_page_follows_one_that_holds_all(mixed) -> None:
    with mixed.sessions() as session:
        whole = leaves(session, ORGANISATION, Filters(), Page(size=11))
        assert (len(whole.rows), whole.before) == (11, None)
        most = leaves(session, ORGANISATION, Filters(), Page(size=10))
        assert (len(most.rows), most.before) == (10, most.rows[-1].id)


def test_facets_count_what_the_filters_leave(mixed) -> None:
    with mixed.sessions() as session:
        counted = facets(session, ORGANISATION, Filters())
        assert counted["sink"] == {"ai_tool": 3, "browser": 6}
        assert counted["decision"] == {"event": 2, "open": 6, "withhold": 3}
        assert counted["kind"] == {"release": 9, "revocation": 2}
        assert counted["feature"] == {"ai.people": 3, "people.list": 6}
        assert facets(session, ORGANISATION, Filters(sinks=(Sink.AI_TOOL,)))["decision"] == {"withhold": 3}


def test_one_leaf_is_found_by_its_own_organisation_alone(mixed) -> None:
    with mixed.sessions() as session:
        newest = leaves(session, ORGANISATION, Filters(), Page()).rows[0]
        assert one(session, ORGANISATION, newest.id) == newest
        assert one(session, OTHER, newest.id) is None
        assert newest.index is not None
        assert read_leaf(newest.leaf.body()) == newest.leaf
