"""What the guard costs beside the same work unguarded: a page shown, a row written, a value kept, a decision."""

import statistics
import time
import tracemalloc
import uuid
from collections.abc import Callable
from itertools import product
from typing import Any

from jinja2 import Environment, Template
from sqlalchemy import Column, MetaData, Table, Text, Uuid, insert

from kernel.ids import new_id
from kernel.runtime import Runtime
from limited_use.asking import Asking, Purpose, Sink
from limited_use.columns import SealedType
from limited_use.derive import Target, derive_many, same
from limited_use.keys import KeyPurpose, vault
from limited_use.policy import Kind, Viewer
from limited_use.release import guard
from limited_use.sealing import Sealed
from limited_use.sinks import browser

COLUMNS = 4
MANY = 5_000
WRITTEN = 500
"""Rows of one insertion."""
SUBJECT = "A subject line of middling length, as mail has them"
PAGE = "{% for row in rows %}<tr>{% for value in row %}<td>{{ value }}</td>{% endfor %}</tr>{% endfor %}"
NAMES = [f"field_{number}" for number in range(COLUMNS)]


def of_guard(runtime: Runtime, asking: Asking, grant_id: uuid.UUID, rows: int, rounds: int) -> dict[str, float]:
    """Return all figures, by name; the unit is in the name. The databases are the measurement's own."""
    costs = _Costs(runtime, asking, grant_id)
    return {**costs.of_pages(rows, rounds), **costs.of_sealing(), **costs.of_writing(rounds), **costs.of_keeping(),
            **costs.of_deciding()}  # fmt: skip


class _Costs:
    """Measures for one tenant."""

    def __init__(self, runtime: Runtime, asking: Asking, grant_id: uuid.UUID) -> None:
        self.runtime = runtime
        self.asking = asking
        self.guard = guard(runtime)
        self.vault = vault(runtime)
        self.grant_id = grant_id

    def of_pages(self, rows: int, rounds: int) -> dict[str, float]:
        """Return the cost of a field apart from that of the leaf.

        The page with one sealed field pays for a leaf and hardly for fields: what a full page costs more is the
        fields', what it costs more than the unsealed page is the leaf's.
        """
        environment = Environment(autoescape=True)
        browser.prepare(environment)
        template = environment.from_string(PAGE)
        count = rows * COLUMNS
        sealed = self._seal([new_id() for _ in range(count)])
        one: list[Any] = [sealed[0], *[SUBJECT] * (count - 1)]
        full_page = timed(rounds, lambda: self._page(template, sealed))
        one_page = timed(rounds, lambda: self._page(template, one))
        plain_page = timed(rounds, lambda: template.render(rows=in_rows([SUBJECT] * count)))
        return {
            "fields": count,
            "field_cpu_us": (full_page["cpu_ms"] - one_page["cpu_ms"]) * 1000 / (count - 1),
            "plain_field_cpu_us": plain_page["cpu_ms"] * 1000 / count,
            "leaf_ms": one_page["p50_ms"] - plain_page["p50_ms"],
            "leaf_cpu_ms": one_page["cpu_ms"] - plain_page["cpu_ms"],
            "sealed_page_p50_ms": full_page["p50_ms"],
            "sealed_page_p95_ms": full_page["p95_ms"],
            "plain_page_p50_ms": plain_page["p50_ms"],
            "plain_page_p95_ms": plain_page["p95_ms"],
        }

    def of_sealing(self) -> dict[str, float]:
        """Return the CPU microseconds of sealing, indexing and copying one value, each over many."""
        organisation_id = self.asking.organisation_id
        indexer = self.vault.indexer(organisation_id)
        row_ids = [new_id() for _ in range(MANY)]
        sealed = self._seal(row_ids)
        derived = self.vault.sealer(organisation_id, KeyPurpose.DERIVED, self.grant_id)
        targets = [([value], Target(derived, "facts", "value", new_id())) for value in sealed]
        works: dict[str, Callable[[], object]] = {
            "seal": lambda: self._seal(row_ids),
            "index": lambda: [indexer.digest("address", SUBJECT) for _ in range(MANY)],
            "derive": lambda: derive_many(self.vault, same, targets),
        }
        return {f"{name}_cpu_us": timed(5, work)["cpu_ms"] * 1000 / MANY for name, work in works.items()}

    def of_writing(self, rounds: int) -> dict[str, float]:
        """Return the microseconds of a row of sealed fields written, and of the same row in clear."""
        tables = [
            Table(name, MetaData(), Column("id", Uuid, primary_key=True), *[Column(field, kind) for field in NAMES])
            for name, kind in (("written_sealed", SealedType()), ("written_clear", Text()))
        ]
        sealed, clear = tables
        sealer = self.vault.sealer(self.asking.organisation_id, KeyPurpose.MAIL, self.grant_id)

        def sealed_row(row_id: uuid.UUID) -> dict[str, Any]:
            return {"id": row_id, **{name: sealer.seal(sealed.name, name, row_id, SUBJECT) for name in NAMES}}

        with self.runtime.sessions.begin() as session:
            for table in tables:
                table.create(session.connection())
        return {
            **_per_row("written_row", timed(min(rounds, 20), lambda: self._write(sealed, sealed_row))),
            **_per_row("written_clear_row", timed(min(rounds, 20), lambda: self._write(clear, _clear_row))),
        }

    def of_keeping(self) -> dict[str, float]:
        """Return the bytes of memory of one sealed value, as read from its row, and of the same text."""
        row_ids = [new_id() for _ in range(MANY)]
        sealer = self.vault.sealer(self.asking.organisation_id, KeyPurpose.MAIL, self.grant_id)
        return {
            "kept_bytes": _memory(lambda number: sealer.seal("messages", "subject", row_ids[number], SUBJECT)),
            "kept_clear_bytes": _memory(lambda number: SUBJECT[:-1] + str(number % 10)),
        }

    def of_deciding(self) -> dict[str, float]:
        """Return the microseconds of one decision of the policy, over every kind, sink and viewer."""
        cells = list(product(Kind, Sink, Viewer))
        decide = self.guard.policy.decide

        def all_cells() -> None:
            for kind, sink, viewer in cells:
                decide({kind}, Purpose.USER_FEATURE, sink, viewer, "people")

        return {"decision_cpu_us": timed(20, all_cells)["cpu_ms"] * 1000 / len(cells)}

    def _seal(self, row_ids: list[uuid.UUID]) -> list[Sealed]:
        sealer = self.vault.sealer(self.asking.organisation_id, KeyPurpose.MAIL, self.grant_id)
        return [sealer.seal("messages", "subject", row_id, SUBJECT) for row_id in row_ids]

    def _page(self, template: Template, values: list[Any]) -> str:
        return browser.page(self.guard, self.asking, template, {"rows": in_rows(values)})

    def _write(self, table: Table, make: Callable[[uuid.UUID], dict[str, Any]]) -> None:
        with self.runtime.sessions.begin() as session:
            session.execute(insert(table), [make(new_id()) for _ in range(WRITTEN)])


def _clear_row(row_id: uuid.UUID) -> dict[str, Any]:
    return {"id": row_id, **dict.fromkeys(NAMES, SUBJECT)}


def _per_row(name: str, found: dict[str, float]) -> dict[str, float]:
    return {f"{name}_us": found["p50_ms"] * 1000 / WRITTEN, f"{name}_cpu_us": found["cpu_ms"] * 1000 / WRITTEN}


def _memory(make: Callable[[int], object]) -> float:
    make(0)
    tracemalloc.start()
    try:
        kept: list[object] = [None] * MANY
        before = tracemalloc.get_traced_memory()[0]
        for number in range(MANY):
            kept[number] = make(number)
        return (tracemalloc.get_traced_memory()[0] - before) / MANY
    finally:
        tracemalloc.stop()


def in_rows(values: list[Any]) -> list[list[Any]]:
    """Return the values in rows of a page."""
    return [values[at : at + COLUMNS] for at in range(0, len(values), COLUMNS)]


def timed(rounds: int, work: Callable[[], object]) -> dict[str, float]:
    """Return the median CPU time, and the median and 95th percentile of real time, of one piece of work."""
    work()
    real, cpu = [], []
    for _ in range(rounds):
        began, began_cpu = time.perf_counter(), time.process_time()
        work()
        cpu.append((time.process_time() - began_cpu) * 1000)
        real.append((time.perf_counter() - began) * 1000)
    p95 = statistics.quantiles(real, n=20)[-1]
    return {"cpu_ms": statistics.median(cpu), "p50_ms": statistics.median(real), "p95_ms": p95}
