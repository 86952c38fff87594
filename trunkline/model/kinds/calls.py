"""How a project's calls are carried, remembered and priced; part of its Project document."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictFloat

from trunkline.model.durations import Duration, parse_duration
from trunkline.model.kinds.base import Name, Part
from trunkline.model.limits import LIST_MAX_ITEMS

Redaction = Literal["card-numbers", "email-addresses", "phone-numbers"]
"""What is blotted out of transcripts before they are kept."""
APOLOGY = "We are sorry, nobody can take your call right now. Please call again later."


class Retention(Part):
    """How long what was said is kept; the record of the call itself stays."""

    transcripts: Duration = Field(default=parse_duration("2160h"))
    recordings: Duration = Field(default=parse_duration("720h"))


class Prices(Part):
    """US dollars a minute, for estimates."""

    carrier_minute_usd: Annotated[StrictFloat, Field(ge=0, le=100)] = 0.014
    platform_minute_usd: Annotated[StrictFloat, Field(ge=0, le=100)] = 0.10


class Calls(Part):
    """What holds for every call of a project. ``apology`` is what a caller hears when nothing can
    answer; ``record`` keeps the audio; ``longest`` ends a call whatever its agent allows;
    ``testNumbers`` are the PhoneNumbers from which conversation tests may call.
    """

    apology: Annotated[str, Field(min_length=1, max_length=500)] = APOLOGY
    record: StrictBool = False
    redact: Annotated[tuple[Redaction, ...], Field(max_length=3)] = ()
    retention: Retention = Retention()
    prices: Prices = Prices()
    longest: Duration = Field(default=timedelta(hours=1))
    test_numbers: Annotated[tuple[Name, ...], Field(max_length=LIST_MAX_ITEMS)] = ()
