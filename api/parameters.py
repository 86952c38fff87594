"""Query and path parameters that several routes share, with their bounds and words."""

import re
from typing import Annotated, Literal

from fastapi import Depends, Path, Query, Request
from pydantic import AwareDatetime, BeforeValidator

from api.problems import request_id
from trunkline.model import limits
from trunkline.model.ids import NAME_PATTERN


def _written_out(value: object) -> object:
    """Raises ValueError for a number: seconds since 1970 are nothing the description names."""
    if isinstance(value, str) and not _DATE.match(value):
        raise ValueError("write a time with its zone, such as 2026-03-02T09:15:00Z")
    if isinstance(value, int | float):
        words = "a time is a text, such as 2026-03-02T09:15:00Z"
        raise ValueError(words)  # noqa: TRY004 - pydantic takes a ValueError
    return value


_DATE = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]")
Moment = Annotated[AwareDatetime, BeforeValidator(_written_out)]
"""A time as RFC 3339 writes it, with its zone."""
LABEL_PATTERN = r"^[A-Za-z0-9._/-]{1,63}=[^\x00-\x1f]{0,63}$"

NameInPath = Annotated[str, Path(pattern=NAME_PATTERN, examples=["front-desk"])]
NumberInPath = Annotated[
    str, Path(pattern=r"^(\+[1-9][0-9]{6,14}|[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)$")
]
NumberScope = Annotated[
    Literal["wished", "account"],
    Query(description="`account` lists every number of the accounts and not only the manifests'"),
]
IdInPath = Annotated[str, Path(pattern=r"^[A-Za-z0-9._-]{1,128}$")]
EnvironmentFilter = Annotated[
    str | None, Query(pattern=NAME_PATTERN, description="Only this environment")
]
Labels = Annotated[
    list[Annotated[str, Query(pattern=LABEL_PATTERN)]],
    Query(description="Only with this label, `key=value`; may be repeated", max_length=20),
]
LabelSelector = Annotated[
    list[Annotated[str, Query(max_length=2_000)]],
    Query(
        description="Only where all of it holds: `key=value`, `key!=value`, `key`, `!key`, joined"
        " by commas; may be repeated",
        max_length=20,
    ),
]
Cursor = Annotated[str | None, Query(max_length=512, description="`nextCursor` of the page before")]
Limit = Annotated[int, Query(ge=1, le=limits.API_PAGE_MAX, description="Rows in a page")]
ReasonGiven = Annotated[
    str, Query(max_length=500, pattern=r"^[^\x00]*$", description="Why, for the audit log")
]


async def _given_id(request: Request) -> str:
    return request_id(request)


RequestId = Annotated[str, Depends(_given_id)]
