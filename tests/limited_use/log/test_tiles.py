"""Tiles and bundles: their paths, their content, and growing a tree by them."""

from contextlib import nullcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limited_use.log import tree
from limited_use.log.edge import Frontier, StoredNodes, TileMissingError, load_frontier
from limited_use.log.stores import FolderStore
from limited_use.log.tiles import Place, bundle_places, pack, parse_path, tile_places, unpack


def hashes_of(count: int) -> bytes:
    return b"".join(tree.hash_leaf(b"%d" % i) for i in range(count))


@pytest.mark.parametrize(
    ("place", "path"),
    [
        (Place(0, 0), "tile/0/000"),
        (Place(0, 5, 7), "tile/0/005.p/7"),
        (Place(1, 1234067), "tile/1/x001/x234/067"),
        (Place(None, 999), "tile/entries/999"),
        (Place(None, 1000, 255), "tile/entries/x001/000.p/255"),
        (Place(63, 0, 1), "tile/63/000.p/1"),
    ],
)
def test_a_place_has_one_path(place: Place, path: str) -> None:
    assert place.path() == path
    assert parse_path(path) == place


@pytest.mark.parametrize(
    "path",
    [
        *("", "tile", "tile/0", "tile/00/000", "tile/64/000", "tile/0/0", "tile/0/0000", "tile/0/x000/000"),
        *("tile/0/001/002", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/"),
        *("/tile/0/000", "tile/0/000/", "tile/0/../000", "tile/entry/000", "tile/-1/000", "tile/0/x001/0a0"),
        *("tile/0/000\n", "tile/0/" + "x001/" * 9 + "000"),
    ],
)
def test_no_other_path_is_read(path: str) -> None:
    assert parse_path(path) is None


def test_the_tiles_of_a_tree_are_those_of_the_standard() -> None:
    places = list(tile_places(70_000))
    assert sum(p.level == 0 and p.width == 256 for p in places) == 273
    assert [(p.level, p.width) for p in places if p.width < 256] == [(0, 112), (1, 17), (2, 1)]
    assert list(tile_places(256)) == [Place(0, 0), Place(1, 0, 1)]
    assert list(bundle_places(257)) == [Place(None, 0), Place(None, 1, 1)]
    assert list(tile_places(0)) == []


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_bundles_unpack_to_what_was_packed(entries: list[bytes]) -> None:
    assert unpack(pack(entries)) == entries


@given(st.lists(st.binary(min_size=1, max_size=50), min_size=1, max_size=5), st.data())
def test_a_bundle_cut_short_is_refused_or_shorter(entries: list[bytes], data: st.DataObject) -> None:
    whole = pack(entries)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    boundary = cut in {pack(entries[:n]) for n in range(len(entries))}
    with nullcontext() if boundary else pytest.raises(ValueError, match="within an entry"):
        assert unpack(cut) != entries


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 700), min_size=1, max_size=6))
def test_growing_by_parts_is_growing_at_once(parts: list[int]) -> None:
    whole = hashes_of(sum(parts))
    frontier, tiles, at = Frontier(), {}, 0
    for part in parts:
        for tile in frontier.grow(whole[at * 32 : (at + part) * 32]):
            tiles[tile.level, tile.index] = tile.data
        at += part
        assert frontier.size == at
        assert frontier.root() == tree.fold(whole[: at * 32])
    assert sorted(tiles) == sorted((p.level, p.index) for p in tile_places(at))
    assert all(len(tiles[p.level, p.index]) == p.width * 32 for p in tile_places(at))


@pytest.mark.parametrize("size", [1, 255, 256, 257, 511, 512, 70_000])
def test_a_root_over_levels_of_tiles_is_the_root(size: int) -> None:
    whole = hashes_of(size)
    frontier = Frontier()
    frontier.grow(whole)
    assert frontier.root() == tree.fold(whole)


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 66_000])
def test_proofs_from_stored_tiles_verify(tmp_path, size: int) -> None:
    store, whole = FolderStore(tmp_path), hashes_of(size)
    store.write_tiles(Frontier().grow(whole))
    root, nodes = tree.fold(whole), StoredNodes(store, size)
    for index in {0, size // 3, size - 1}:
        path = tree.prove_inclusion(nodes, index, size)
        assert tree.verify_inclusion(whole[index * 32 : index * 32 + 32], index, size, path, root)
    for older in {1, size // 2, size - 1, size}:
        path = tree.prove_consistency(nodes, older, size)
        assert tree.verify_consistency((older, tree.fold(whole[: older * 32])), (size, root), path)


@pytest.mark.parametrize("size", [0, 1, 256, 300, 65_536, 65_537])
def test_the_right_edge_comes_back_from_the_store(tmp_path, size: int) -> None:
    store, frontier = FolderStore(tmp_path), Frontier()
    store.write_tiles(frontier.grow(hashes_of(size)))
    loaded = load_frontier(store, size)
    assert loaded is not None
    assert loaded.root() == frontier.root()
    assert {t.index for t in loaded.grow(hashes_of(1))} == {t.index for t in frontier.grow(hashes_of(1))}
    assert loaded.root() == frontier.root()


def test_a_missing_tile_is_said_and_not_guessed(tmp_path) -> None:
    store = FolderStore(tmp_path)
    store.write_tiles(Frontier().grow(hashes_of(600)))
    (tmp_path / "tile/0/001").unlink()
    with pytest.raises(TileMissingError):
        tree.prove_inclusion(StoredNodes(store, 600), 300, 600)
    (tmp_path / "tile/0/002.p/88").unlink()
    assert load_frontier(store, 600) is None
