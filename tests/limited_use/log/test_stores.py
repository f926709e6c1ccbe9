"""One suite for every place where tiles and bundles lie: a folder, and the database."""

from collections.abc import Iterator

import pytest
from sqlalchemy import update

from limited_use.log.database_store import DatabaseStore
from limited_use.log.edge import Frontier, load_frontier
from limited_use.log.models import LogLeaf
from limited_use.log.stores import FolderStore, TileStore
from limited_use.log.tiles import Place, Tile, pack, unpack
from limited_use.log.tree import hash_leaf

ENTRIES = 300


@pytest.fixture(params=["folder", "database"])
def store(request, tmp_path) -> Iterator[TileStore]:
    if request.param == "folder":
        folder = FolderStore(tmp_path)
        entries = [request.getfixturevalue("make_leaf")(i).body() for i in range(ENTRIES)]
        for index in range(2):
            part = entries[index * 256 : index * 256 + 256]
            folder.write(Place(None, index, len(part)), pack(part))
        yield folder
        return
    runtime = request.getfixturevalue("runtime")
    ids = request.getfixturevalue("write_leaves")(ENTRIES)
    with runtime.begin() as work:
        work.session.execute(update(LogLeaf).values(index=LogLeaf.id - ids[0]))
        yield DatabaseStore(work.session)


def row(count: int) -> bytes:
    return b"".join(hash_leaf(b"%d" % i) for i in range(count))


def test_a_tile_comes_back_at_every_width_it_has(store) -> None:
    store.write_tiles([Tile(0, 3, row(10)), Tile(1, 0, row(256))])
    assert store.read_tile(0, 3, 10) == row(10)
    assert store.read_tile(1, 0, 256) == row(256)
    assert store.read_tile(1, 0, 17) == row(17)
    for level, index, width in ((0, 3, 11), (0, 4, 1), (2, 0, 1), (0, 3, 256)):
        assert store.read_tile(level, index, width) is None


def test_a_wider_tile_takes_the_place_of_its_beginning(store) -> None:
    for width in (1, 100, 256):
        store.write_tiles([Tile(0, 0, row(width))])
        assert store.read_tile(0, 0, width) == row(width)
    store.write_tiles([])
    assert store.read_tile(0, 0, 1) == row(1)
    assert store.read_tile(0, 0, 100) == row(100)


def test_bundles_come_back_at_every_width_they_have(store) -> None:
    assert len(unpack(store.read_bundle(0, 256))) == 256
    assert len(unpack(store.read_bundle(1, 44))) == 44
    assert unpack(store.read_bundle(0, 5)) == unpack(store.read_bundle(0, 256))[:5]
    assert store.read_bundle(1, 45) is None
    assert store.read_bundle(2, 1) is None


def test_a_tree_grows_across_restarts(store) -> None:
    whole, size = row(1000), 0
    for upto in (1, 256, 257, 700, 1000):
        frontier = load_frontier(store, size)
        assert frontier is not None
        store.write_tiles(frontier.grow(whole[size * 32 : upto * 32]))
        size = upto
    straight = Frontier()
    straight.grow(whole)
    again = load_frontier(store, 1000)
    assert again is not None
    assert again.root() == straight.root()
