"""The base of every value that crosses a boundary: frozen, closed, camelCase outside.

One base class keeps the promise in one place that a manifest, a payload or a stored row can
neither be changed after it was checked nor carry a key nobody reads.
"""

from typing import TypeAlias

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic.alias_generators import to_camel

Json: TypeAlias = JsonValue
JsonObject: TypeAlias = dict[str, JsonValue]


class Frozen(BaseModel):
    """A value with snake_case names inside and camelCase names in YAML and JSON."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        serialize_by_alias=True,
    )
