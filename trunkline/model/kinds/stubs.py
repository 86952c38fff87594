"""What tools answer while their agent is under test.

An answer is chosen while the agent waits for it, so nothing here needs a judge. Which answer a call
gets is decided elsewhere.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, StrictBool, model_validator

from trunkline.model.base import Json
from trunkline.model.durations import Duration
from trunkline.model.kinds.base import DescribedPart, refuse
from trunkline.model.kinds.matchers import Matcher, ValueMatcher
from trunkline.model.limits import LIST_MAX_ITEMS
from trunkline.model.testing.limits import STUBS_MAX, TEST_WAIT_MAX_S


def _pause(duration: Any) -> Any:
    if duration.total_seconds() > TEST_WAIT_MAX_S:
        raise refuse("must be at most 10m")
    return duration


class When(DescribedPart):
    """Which calls an answer is for."""

    args: Annotated[dict[str, ValueMatcher], Field(min_length=1, max_length=LIST_MAX_ITEMS)]
    """Arguments the call must have, each with what it must be like; a judge cannot be asked."""

    @model_validator(mode="after")
    def _decided_at_once(self) -> "When":
        for name, wanted in self.args.items():
            if isinstance(wanted, Matcher) and wanted.judge is not None:
                raise refuse(
                    "a judge cannot be asked while a call waits for its answer",
                    at=("args", name, "judge"),
                    key=True,
                )
        return self


class Stub(DescribedPart):
    """What a tool answers while it is under test: ``reply`` or ``fail``, ``after`` a pause.

    The first stub whose `when` fits answers, any number of times. Of several without `when` each
    answers one call, in order, and the last one stays.
    """

    when: When | None = None
    """Which calls it answers; every call if it is left out."""
    reply: Json = None
    """The answer, as the tool would give it."""
    fail: Literal["timeout", "error", "http503", "malformed"] | None = None
    """How the tool fails: `timeout` never answers, `error` is the tool's own error (400),
    `http503` a service that is down, `malformed` an answer that is no JSON."""
    after: Annotated[Duration, AfterValidator(_pause)] | None = None
    """How long it takes to answer."""

    @model_validator(mode="after")
    def _answers_or_fails(self) -> "Stub":
        if ("reply" in self.model_fields_set) == (self.fail is not None):
            raise refuse("a stub needs exactly one of `reply` and `fail`")
        return self


Stubs = Annotated[tuple[Stub, ...], Field(min_length=1, max_length=STUBS_MAX)]


class TestTools(DescribedPart):
    """Answers of tools by the name the model sees."""

    __test__ = False
    __pydantic_extra__: dict[str, Stubs]

    live: StrictBool = False
    """`true`: tools without an answer here are really called."""

    model_config = ConfigDict(extra="allow")

    @model_validator(mode="before")
    @classmethod
    def _lists_of_answers(cls, value: Any) -> Any:
        if isinstance(value, dict):
            for key, below in value.items():
                if key != "live" and isinstance(below, bool):
                    raise refuse(
                        f"`{key}` needs a list of answers; only `live` is true or false",
                        at=(str(key),),
                        key=True,
                        known=("live",),
                    )
        return value

    @property
    def stubs(self) -> dict[str, tuple[Stub, ...]]:
        """Stubs by function."""
        return dict(self.__pydantic_extra__ or {})
