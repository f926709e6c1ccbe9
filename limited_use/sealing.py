"""The four classes of value that a document may be composed of.

`Sealed` holds ciphertext and its place; `Labelled` a Google-derived structured value that is clear at rest, or a
sealed one that only Google tells of;
`Native` a user's own structured value; `System` our own bookkeeping. Sealed and Labelled refuse every
conversion (text, JSON, pickle, copy, comparison, hash, truth, length, iteration), so that forgetting the guard
gives an error, never content.
"""

import datetime as dt
import decimal
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, NoReturn, TypeVar, final

from kernel.database import Aspect
from kernel.errors import AppError
from limited_use.labels import Labels

Scalar = str | int | float | bool | decimal.Decimal | dt.datetime | dt.date | uuid.UUID
T = TypeVar("T", bound="Scalar | Sealed")


class SealedError(AppError, TypeError):
    """A guarded value was used other than by handing it to a sink adaptor."""

    code = "sealed"
    sentence = "A guarded value can only be opened by a sink adaptor."


class Field:
    """A sealed column of one organisation, in one format: what the places of a column have in common, made once."""

    __slots__ = ("column", "format", "head", "organisation_id", "table", "tail")

    def __init__(self, organisation_id: uuid.UUID, table: str, column: str, value_format: str) -> None:
        if "\x00" in table + column + value_format:
            raise SealedError("A place has no NUL in its names.")
        self.organisation_id = organisation_id
        self.table = table
        self.column = column
        self.format = value_format
        self.head = b"\x00".join((b"crm1", organisation_id.bytes, table.encode(), column.encode(), b""))
        self.tail = b"\x00" + value_format.encode()

    def associated_data(self, row_id: uuid.UUID) -> bytes:
        """Return the bytes that bind a ciphertext to this column and to that row.

        Names have no NUL byte and ids a fixed length, so no two places have the same. The grant is bound by the key.
        """
        return self.head + row_id.bytes + self.tail


_MOST_FIELDS = 65_536
_fields: dict[tuple[uuid.UUID, str, str, str], Field] = {}


def field_of(organisation_id: uuid.UUID, table: str, column: str, value_format: str) -> Field:
    """Return the field; the same one again, as long as this process does not know too many."""
    name = (organisation_id, table, column, value_format)
    found = _fields.get(name)
    if found is None:
        if len(_fields) >= _MOST_FIELDS:
            _fields.clear()  # those in use live on in their values
        found = _fields[name] = Field(*name)
    return found


class Place(NamedTuple):
    """Where a sealed value stands; bound into its ciphertext as associated data."""

    organisation_id: uuid.UUID
    table: str
    column: str
    row_id: uuid.UUID
    format: str = "text"

    def associated_data(self) -> bytes:
        """Return the bytes that bind a ciphertext to this place."""
        return field_of(self.organisation_id, self.table, self.column, self.format).associated_data(self.row_id)


def _refuse(*_: object, **__: object) -> NoReturn:
    raise SealedError


class Refusing:
    """What everything guarded refuses: any use but being handed on."""

    __slots__ = ()

    __str__ = __format__ = __bytes__ = __bool__ = __len__ = __iter__ = __contains__ = _refuse
    __int__ = __float__ = __index__ = __complex__ = __getitem__ = __add__ = __radd__ = __mul__ = __mod__ = _refuse
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __copy__ = __deepcopy__ = __reduce__ = __reduce_ex__ = __getstate__ = _refuse
    __hash__ = None  # type: ignore[assignment] # unhashable on purpose: no set, dict key or cache of guarded values

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Refuse subclasses made outside this package."""
        if not cls.__module__.startswith("limited_use."):
            raise SealedError
        super().__init_subclass__(**kwargs)


@final
class Sealed(Refusing):
    """Ciphertext and the place it stands in; its label follows from its key."""

    __slots__ = ("_field", "_row_id", "_wire")

    def __init__(self, wire: bytes, place: Place | None) -> None:
        self._wire = wire
        self._field: Field | None = None
        self._row_id: uuid.UUID | None = None
        if place is not None:
            self._field = field_of(place.organisation_id, place.table, place.column, place.format)
            self._row_id = place.row_id

    @classmethod
    def standing(cls, wire: bytes, field: Field, row_id: uuid.UUID) -> "Sealed":
        """Return the value in its place, where its field is at hand already."""
        made: Sealed = cls.__new__(cls)
        made._wire = wire
        made._field = field
        made._row_id = row_id
        return made

    @property
    def _place(self) -> Place | None:
        """Where it stands; None for a bare column until its query gives it a place."""
        field, row_id = self._field, self._row_id
        if field is None or row_id is None:
            return None
        return Place(field.organisation_id, field.table, field.column, row_id, field.format)

    def __repr__(self) -> str:
        """Return a constant: nothing of the value, not even its length."""
        return "<sealed>"


@final
class Labelled(Refusing, Generic[T]):
    """A Google-derived structured value (a time, a count, a flag) and its label.

    Or a sealed value that stands where it does because of what the label names, whoever wrote it: the name of the
    company at which somebody works. It is opened where both may be, the label's standing and the value itself.

    `aspect` and `about` (the table and id of the row it tells of) say what its owner's sharing must open before a
    teammate sees it; without both no sharing does.
    """

    __slots__ = ("_about", "_aspect", "_labels", "_value")

    def __init__(
        self, value: T, labels: Labels, aspect: Aspect | None = None, about: tuple[str, uuid.UUID] | None = None
    ) -> None:
        if not labels:
            raise SealedError("A labelled value needs a label.")
        self._value = value
        self._labels = labels
        self._aspect = aspect
        self._about = about

    def __repr__(self) -> str:
        """Return a constant."""
        return "<labelled>"


@dataclass(frozen=True, slots=True)
class Native(Generic[T]):
    """A user's own structured value: an amount, a stage, a due date."""

    value: T | None


@dataclass(frozen=True, slots=True)
class System(Generic[T]):
    """Our own bookkeeping: an id, a state, a time of our own."""

    value: T | None


def placed(value: Sealed | None, place: Place) -> Sealed | None:
    """Return the value with its place, as read from that very row; None stays None."""
    return None if value is None else Sealed(value._wire, place)  # noqa: SLF001 -- this module is the type's home


def placed_in(field: Field, values: Iterable[tuple[Sealed | None, uuid.UUID | None]]) -> list[Sealed | None]:
    """Return many values of one column with their places, as read from those very rows; None stays None."""
    return [
        None if value is None or row_id is None else Sealed.standing(value._wire, field, row_id)  # noqa: SLF001 -- as above
        for value, row_id in values
    ]


Guarded = Sealed | Labelled[Any]
Value = Guarded | Native[Any] | System[Any]
