"""Answers of any length, released a thousand records at a time: one leaf for each thousand."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import TypeVar

T = TypeVar("T")
BATCH = 1_000


def in_batches(records: Iterable[T], release: Callable[[list[T]], bytes]) -> Iterator[bytes]:
    """Return the released batches; the first is released before this returns, so that a refusal is an answer.

    Of no records there is one empty batch: the asking itself is decided and told in the log.
    """
    rest = iter(records)
    first = release(list(islice(rest, BATCH)))
    return chain((first,), _others(rest, release))


def _others(rest: Iterator[T], release: Callable[[list[T]], bytes]) -> Iterator[bytes]:
    while batch := list(islice(rest, BATCH)):
        yield release(batch)
