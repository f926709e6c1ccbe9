"""Sealed columns: LargeBinary in the database, `Sealed` in Python, placed when a row is loaded.

A mapped class with sealed columns has `id` and `organisation_id`; on load and refresh each sealed attribute is
given its place (organisation, table, column, row, format). A sealed value selected as a bare column has no place
until its query module gives it one with `limited_use.sealing.placed`; unplaced values are refused at every sink.
"""

from typing import Any

from sqlalchemy import Dialect, LargeBinary, event
from sqlalchemy.orm import MappedColumn, Mapper
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.types import TypeDecorator

from kernel.database import Aspect, Base, DataClass, classed
from limited_use.sealing import Sealed, SealedError, field_of


class SealedType(TypeDecorator[Sealed]):
    """Ciphertext in the wire format of `limited_use.keys`."""

    impl = LargeBinary
    cache_ok = True
    hashable = False

    def __init__(self, value_format: str = "text") -> None:
        super().__init__()
        self.value_format = value_format

    def compare_values(self, x: Any, y: Any) -> bool:
        """Tell whether two values are the same ciphertext; guarded values themselves refuse to be compared."""
        return x is y or (type(x) is Sealed and type(y) is Sealed and x._wire == y._wire)  # noqa: SLF001 -- as above

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        """Store ciphertext; anything that is not sealed is refused."""
        if value is None:
            return None
        if type(value) is not Sealed:
            raise SealedError("Only a sealed value can be stored in a sealed column.")
        return value._wire  # noqa: SLF001 -- the database holds just the wire bytes

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Sealed | None:
        """Return the ciphertext as an unplaced sealed value."""
        return None if value is None else Sealed(value, None)


def sealed(value_format: str = "text", *, doc: str, aspect: Aspect | None = None, **kwargs: Any) -> MappedColumn[Any]:
    """Return a sealed column; `value_format` is bound into the ciphertext.

    `aspect` says under which of its owner's sharings teammates see it; a column that holds what is Google's needs one.
    """
    return classed(DataClass.SEALED, SealedType(value_format), doc=doc, aspect=aspect, **kwargs)


def sealed_formats(mapper: Mapper[Any]) -> dict[str, str]:
    """Return the format of each sealed attribute of a mapped class, by attribute name."""
    return {
        attribute.key: attribute.columns[0].type.value_format
        for attribute in mapper.column_attrs
        if isinstance(attribute.columns[0].type, SealedType)
    }


_formats: dict[type, tuple[str, dict[str, str]]] = {}


def _shape(cls: type) -> tuple[str, dict[str, str]]:
    found = _formats.get(cls)
    if found is None:
        mapper: Mapper[Any] = cls.__mapper__  # type: ignore[attr-defined] # only mapped classes come here
        found = _formats[cls] = (str(mapper.local_table.description), sealed_formats(mapper))
    return found


def _place(target: Any) -> None:
    table, formats = _shape(type(target))
    state = target.__dict__
    for name, value_format in formats.items():
        value = state.get(name)
        if type(value) is Sealed:
            field = field_of(target.organisation_id, table, name, value_format)
            set_committed_value(target, name, Sealed.standing(value._wire, field, target.id))  # noqa: SLF001 -- places it


@event.listens_for(Base, "load", propagate=True)
def _place_on_load(target: Any, _context: Any) -> None:
    _place(target)


@event.listens_for(Base, "refresh", propagate=True)
def _place_on_refresh(target: Any, _context: Any, _attributes: Any) -> None:
    _place(target)
