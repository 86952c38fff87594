"""How values become columns and back, and how pages are asked for. Knows no table.

Two JSON columns types are used on purpose. ``jsonb`` is for what is compared inside PostgreSQL.
``json`` is for bodies that are rendered or hashed after they were read: it keeps the order of
keys, so that a wish from the store renders exactly as the same wish straight from Git.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from psycopg import sql
from psycopg.types.json import Json as JsonColumn
from psycopg.types.json import Jsonb
from pydantic import BaseModel, TypeAdapter
from pydantic_core import to_json

from trunkline.model.base import Json
from trunkline.model.errors import InvalidInput
from trunkline.model.ledger import Attempt, Tombstone
from trunkline.model.limits import STORE_PAGE_MAX

T = TypeVar("T")

_REPLACEMENT = "\ufffd"


def readable(text: str) -> str:
    """Text PostgreSQL can hold: NUL and lone surrogates become the replacement character."""
    return text.replace("\0", _REPLACEMENT).encode("utf-8", "replace").decode("utf-8")


def json_text(value: object) -> str:
    """JSON with the keys in their order; models by their aliases, times as ISO 8601."""
    return to_json(value, by_alias=True).decode("utf-8")


def ordered_json(value: object) -> JsonColumn:
    """A value for a ``json`` column: keys keep their order."""
    return JsonColumn(value, dumps=json_text)


def comparable_json(value: Json | BaseModel | Sequence[BaseModel]) -> Jsonb:
    """A value for a ``jsonb`` column; what PostgreSQL cannot hold in one is replaced."""
    return Jsonb(_cleaned(_plain(value)))


def readable_json(value: Json | BaseModel) -> JsonColumn:
    """A value for a ``json`` column with texts of strangers in it: keys keep their order, and what
    PostgreSQL cannot hold in a text is replaced.
    """
    return ordered_json(_cleaned(_plain(value)))


def _plain(value: Json | BaseModel | Sequence[BaseModel]) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def _cleaned(value: object) -> object:
    if isinstance(value, str):
        return readable(value)
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    if isinstance(value, dict):
        return {readable(key): _cleaned(item) for key, item in value.items()}
    return value


def parsed(shape: TypeAdapter[tuple[T, ...]], rows: Iterable[Mapping[str, str]]) -> tuple[T, ...]:
    """Rows whose only column, ``row``, is the JSON of a record: a page is read in one go, without
    a dictionary for each row in between.
    """
    return shape.validate_json(f"[{','.join([row['row'] for row in rows])}]")


def matching(names: Iterable[str]) -> sql.Composed:
    """``a = %(a)s AND …`` for columns; needs at least one."""
    terms = [
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in names
    ]
    return sql.SQL(" AND ").join(terms)


def names_of(filters: Mapping[str, object]) -> tuple[str, ...]:
    """The columns that are filtered by: those whose value is not None."""
    return tuple(name for name, value in filters.items() if value is not None)


def page_size(limit: int) -> int:
    """The limit itself, or InvalidInput: a page silently cut short would read as the last one."""
    if not 1 <= limit <= STORE_PAGE_MAX:
        raise InvalidInput(f"a page holds 1 to {STORE_PAGE_MAX} rows, not {limit}")
    return limit


def key_parts(after: str, count: int) -> tuple[str, ...]:
    """The parts of ``a/b/c``; empty parts, which sort before everything, for an empty key."""
    if not after:
        return ("",) * count
    parts = tuple(after.split("/", count - 1))
    if len(parts) != count:
        raise InvalidInput(f"not a key to continue from: {after!r}")
    return parts


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of at most ``size`` items."""
    batch: list[T] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def attempt_columns(attempt: Attempt | None, prefix: str = "attempt") -> dict[str, object]:
    """The three columns an attempt is kept in, all None without one."""
    return {
        f"{prefix}_number": attempt.number if attempt else None,
        f"{prefix}_started_at": attempt.started_at if attempt else None,
        f"{prefix}_deadline_at": attempt.deadline_at if attempt else None,
    }


def attempt_of(row: Mapping[str, object]) -> Attempt | None:
    """The attempt in a row, or None."""
    if row["attempt_number"] is None:
        return None
    return Attempt.model_validate(
        {
            "number": row["attempt_number"],
            "started_at": row["attempt_started_at"],
            "deadline_at": row["attempt_deadline_at"],
        }
    )


def without_attempt(row: Mapping[str, object]) -> dict[str, object]:
    """A row's other columns."""
    return {
        name: value for name, value in row.items() if not name.startswith(("attempt_", "tombstone"))
    }


def tombstone_columns(tombstone: Tombstone | None) -> dict[str, object]:
    """The two columns a tombstone is kept in."""
    return {
        "tombstoned_at": tombstone.since_at if tombstone else None,
        "tombstone_revision": tombstone.revision if tombstone else "",
    }


def tombstone_of(row: Mapping[str, object]) -> Tombstone | None:
    """The tombstone in a row, or None."""
    if row["tombstoned_at"] is None:
        return None
    return Tombstone.model_validate(
        {"since_at": row["tombstoned_at"], "revision": row["tombstone_revision"]}
    )
