"""`probe save` and `probe try`: a copy of every value from Google is kept, and later somebody tries to read it.

After a disconnect nothing of the copy may open: not through the guard as the owner, not past it with the vault's keys.
"""

import base64
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from flask import Flask
from flask.cli import AppGroup
from sqlalchemy import func, select
from sqlalchemy.orm import Mapper

from kernel.database import Base
from kernel.errors import AppError
from kernel.runtime import Runtime
from limited_use.asking import Asking, Purpose, Sink
from limited_use.cipher import key_id_of
from limited_use.columns import sealed_formats
from limited_use.keys import Vault, vault
from limited_use.log.words import ActorClass
from limited_use.release import Withheld, guard
from limited_use.sealing import Place, Sealed

BATCH = 200


def install(app: Flask, runtime: Runtime) -> None:
    """Add the group `probe`."""
    group = AppGroup("probe", help="Try to read what must be unreadable.")

    @group.command("save")
    @click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
    @click.option("--grant", type=click.UUID, required=True)
    def save(file: Path, grant: uuid.UUID) -> None:
        """Write every sealed value of a grant to FILE, as ciphertext with its place: what a backup holds of it."""
        file.touch(mode=0o600)  # ciphertext, and still nobody else's
        with file.open("w") as lines:
            count = sum(lines.write(json.dumps(row) + "\n") > 0 for row in _values(runtime, grant))
        click.echo(json.dumps({"saved": count}))

    @group.command("try")
    @click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
    @click.option("--member", type=click.UUID, required=True, help="Whose eyes: the owner's, who may see most.")
    @click.option("--grant", type=click.UUID, required=True)
    def try_(file: Path, member: uuid.UUID, grant: uuid.UUID) -> None:
        """Try to read the saved values as their owner, and past the guard; print how many open and what is left."""
        click.echo(json.dumps({**_try(runtime, file, member), "rows_left": _rows_left(runtime, grant)}))

    app.cli.add_command(group)


def _granted() -> list[Mapper[Any]]:
    """Return every mapped class whose rows carry a grant and end with it."""
    return [
        mapper
        for mapper in Base.registry.mappers
        if "grant_id" in mapper.columns and "outlives_grant" not in mapper.class_.__table__.info
    ]


def _values(runtime: Runtime, grant_id: uuid.UUID) -> Iterator[dict[str, str]]:
    with runtime.sessions() as session:
        for mapper in _granted():
            formats = sealed_formats(mapper)
            if not formats:
                continue
            columns = mapper.columns
            wanted = [columns["id"], columns["organisation_id"], *(columns[name] for name in formats)]
            for row in session.execute(select(*wanted).where(columns["grant_id"] == grant_id)):
                for (name, value_format), value in zip(formats.items(), row[2:], strict=True):
                    if value is not None:
                        wire = base64.b64encode(value._wire).decode()  # noqa: SLF001 -- ciphertext is what a copy holds
                        yield {
                            "table": mapper.class_.__tablename__,
                            "column": name,
                            "row_id": str(row[0]),
                            "organisation_id": str(row[1]),
                            "format": value_format,
                            "wire": wire,
                        }


def _rows_left(runtime: Runtime, grant_id: uuid.UUID) -> int:
    with runtime.sessions() as session:
        return sum(
            session.scalar(
                select(func.count()).select_from(mapper.local_table).where(mapper.columns["grant_id"] == grant_id)
            )
            or 0
            for mapper in _granted()
        )


def _read(file: Path) -> Iterator[Sealed]:
    with file.open() as lines:
        for line in lines:
            row: dict[str, Any] = json.loads(line)
            place = Place(
                uuid.UUID(row["organisation_id"]), row["table"], row["column"], uuid.UUID(row["row_id"]), row["format"]
            )
            yield Sealed(base64.b64decode(row["wire"]), place)


def _try(runtime: Runtime, file: Path, member_id: uuid.UUID) -> dict[str, int]:
    tried = released = unlocked = 0
    for batch in _batches(_read(file)):
        tried += len(batch)
        released += _release(runtime, batch, member_id)
        unlocked += _unlock(vault(runtime), batch)
    return {"tried": tried, "readable": max(released, unlocked), "released": released, "unlocked": unlocked}


def _batches(values: Iterator[Sealed]) -> Iterator[list[Sealed]]:
    """Yield values of one key together: an answer is refused as a whole, and one key must not hide another."""
    waiting: dict[int, list[Sealed]] = {}
    for value in values:
        batch = waiting.setdefault(key_id_of(value._wire), [])  # noqa: SLF001 -- a reader of copies, not a user
        batch.append(value)
        if len(batch) == BATCH:
            yield waiting.pop(key_id_of(value._wire))  # noqa: SLF001 -- as above
    yield from waiting.values()


def _release(runtime: Runtime, batch: list[Sealed], member_id: uuid.UUID) -> int:
    """Return how many values the guard opens for their owner, in the browser, on a person's page."""
    place = batch[0]._place  # noqa: SLF001 -- the probe is a reader of copies, not a user of values
    if place is None:
        return 0
    asking = Asking(place.organisation_id, member_id, ActorClass.MEMBER, "people", Purpose.USER_FEATURE, Sink.BROWSER)
    try:
        return guard(runtime).release(
            asking, batch, lambda opened: sum(not isinstance(value, Withheld) for value in opened)
        )
    except AppError:
        return 0


def _unlock(vault_: Vault, batch: list[Sealed]) -> int:
    """Return how many values the vault still has a key for, the guard left out."""
    found = 0
    for value in batch:
        try:
            vault_.opening({key_id_of(value._wire)})  # noqa: SLF001 -- as above
        except AppError:
            continue
        found += 1
    return found
