"""One spelling for every JSON value, so that equal meaning is an equal digest.

Approvals, evidence and content addresses compare digests across machines and releases of this
product: key order, whitespace and ``1`` against ``1.0`` must not matter, everything else must.
Nothing here knows what the values mean.
"""

import hashlib
import json
import math

from trunkline.model.base import Json
from trunkline.model.ids import Digest


def canonical(value: Json) -> str:
    """JSON with sorted keys, no whitespace, numbers by value and text as it is.

    Raises ValueError for NaN and infinities, which JSON cannot say.
    """
    return json.dumps(
        _by_value(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def digest(value: Json) -> Digest:
    """``sha256:`` and the hexadecimal SHA-256 of the canonical form."""
    return digest_of_bytes(canonical(value).encode("utf-8", "surrogatepass"))


def digest_of_bytes(content: bytes) -> Digest:
    """``sha256:`` and the hexadecimal SHA-256 of bytes as they are."""
    return Digest("sha256:" + hashlib.sha256(content).hexdigest())


def _by_value(value: Json) -> Json:
    """The value with integral floats as integers; True stays apart from 1."""
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and value.is_integer() else value
    if isinstance(value, dict):
        return {key: _by_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_by_value(item) for item in value]
    return value
