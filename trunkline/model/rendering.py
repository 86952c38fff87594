"""A wish in a platform's own shape, as trees and paths: all the planner ever sees of a vendor."""

from pydantic import Field

from trunkline.model.base import Frozen, JsonObject
from trunkline.model.ids import Digest


class Rendering(Frozen):
    """The body to send, owned leaves only; ids of our objects are references (see ids.py).

    ``digest`` is the rendered digest. ``provenance`` maps a path in the body to the manifest path
    it came from; ``unsupported`` lists what the manifest says and this platform has no field for.
    """

    body: JsonObject
    digest: Digest
    provenance: dict[str, str] = Field(default_factory=dict)
    unsupported: tuple[str, ...] = ()


class ComparisonRules(Frozen):
    """How one platform's trees are compared; paths are dotted, ``*`` matches one key.

    ``sets``: arrays without order or repetition. ``trimmed``: texts whose surrounding whitespace
    says nothing. ``contains``: sets in which only our elements are
    ours. ``identified``: arrays of objects matched by the named key. ``maps``: objects whose keys
    are data, where null deletes. ``ignored``: read-only. ``defaults``: what the platform fills in
    where nothing was ever said, as a tree.
    """

    sets: tuple[str, ...] = ()
    trimmed: tuple[str, ...] = ()
    contains: tuple[str, ...] = ()
    identified: dict[str, str] = Field(default_factory=dict)
    maps: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    defaults: JsonObject = Field(default_factory=dict)
