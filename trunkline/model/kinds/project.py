"""Kind Project: accounts, people, environments and the rules of promotion.

The server's own settings decide which secrets exist and where the vendors are; a Project can only
name them. Which policy is in force is decided elsewhere.
"""

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictFloat, StrictInt, model_validator

from trunkline.model.durations import Duration, parse_duration
from trunkline.model.kinds.base import (
    EmailAddress,
    Envelope,
    Name,
    Part,
    Shape,
    Text,
    exactly_one,
    refuse,
)
from trunkline.model.kinds.calls import Calls
from trunkline.model.kinds.notifications import Notification
from trunkline.model.kinds.signing import Signing
from trunkline.model.kinds.windows import HoursText, TimeZone
from trunkline.model.limits import ENVIRONMENTS_MAX, LIST_MAX_ITEMS
from trunkline.model.personas import PersonaVoice
from trunkline.model.testing.limits import RETEST_EVERY_MIN_S, RETEST_RUNS_MIN, TEST_RUNS_MAX

EnvironmentVariable = Annotated[
    str, Shape(r"^[A-Z][A-Z0-9_]*$", "the name of an environment variable of the server")
]
SecretFile = Annotated[
    str,
    Shape(
        r"^/run/secrets/(?!.*/\.\.?(/|$))[^/\x00-\x1f]+/[^\x00-\x1f]+$",
        "a file below /run/secrets/<project>/",
    ),
]
VoiceId = Annotated[str, Shape(r"^[A-Za-z0-9_-]{1,64}$", "a voice id of the platform")]
Percent = Annotated[StrictInt, Field(ge=1, le=100)]
TrafficPercent = Annotated[StrictInt, Field(ge=1, le=99)]
RoleName = Literal["viewer", "operator", "approver", "admin"]


class Credential(Part):
    """Where the server finds a credential: a variable of its environment or a mounted file."""

    env: EnvironmentVariable | None = None
    file: SecretFile | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "Credential":
        exactly_one(self, ("env", "file"), "a credential")
        return self


class ElevenLabsAccount(Part):
    """An ElevenLabs workspace. ``voices`` replaces the voice ids that personas choose."""

    api_key: Credential
    voices: dict[PersonaVoice, VoiceId] = Field(default_factory=dict)


class TwilioAccount(Part):
    """A Twilio account."""

    account_sid: Credential
    auth_token: Credential


class Accounts(Part):
    """Platform accounts; what an environment does not name is the project's."""

    elevenlabs: ElevenLabsAccount | None = None
    twilio: TwilioAccount | None = None


class Person(Part):
    """Somebody who commits or approves, by every address used in commits."""

    name: Name
    emails: Annotated[tuple[EmailAddress, ...], Field(min_length=1, max_length=LIST_MAX_ITEMS)]


class IgnoredDrift(Part):
    """A path of the platform's tree that others may change; ``agent`` ``*`` means every agent."""

    agent: Annotated[
        str, Shape(r"^(\*|[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)$", 'an agent\'s name or "*"')
    ]
    path: Text


class Drift(Part):
    """What happens to changes made outside of Git, and how often they are looked for."""

    policy: Literal["heal", "report", "adopt"] = "report"
    interval: Duration = Field(default=parse_duration("5m"))
    ignore: Annotated[tuple[IgnoredDrift, ...], Field(max_length=LIST_MAX_ITEMS)] = ()

    @model_validator(mode="after")
    def _interval_bound(self) -> "Drift":
        if self.interval.total_seconds() < 1:
            raise refuse("`drift.interval` must be at least 1s", at=("interval",))
        return self


class Prune(Part):
    """How much may be deleted in a day, and how long after it left Git; nothing is, unless
    enabled.
    """

    enabled: StrictBool = False
    max_count: Annotated[StrictInt, Field(ge=0)] | None = None
    max_percent: Percent | None = None
    delay: Duration = Field(default=parse_duration("1h"))


class RequiredTests(Part):
    """Which test results a promotion needs; ``manual`` counts passed manual results."""

    required: StrictBool = True
    manual: Annotated[StrictInt, Field(ge=0, le=LIST_MAX_ITEMS)] = 0


class Approvals(Part):
    """How many people must agree."""

    count: Annotated[StrictInt, Field(ge=0, le=LIST_MAX_ITEMS)] = 1
    roles: Annotated[tuple[RoleName, ...], Field(min_length=1)] = ("approver",)
    not_author: StrictBool = True


class Window(Part):
    """When something may change, or may not, in a time zone."""

    allow: HoursText | None = None
    deny: HoursText | None = None
    timezone: TimeZone = "UTC"

    @model_validator(mode="after")
    def _one_sense(self) -> "Window":
        exactly_one(self, ("allow", "deny"), "a window")
        return self


class Rollout(Part):
    """Shares of traffic in percent, in order, and how long each is held."""

    steps: Annotated[tuple[TrafficPercent, ...], Field(max_length=LIST_MAX_ITEMS)] = ()
    every: Duration = Field(default=parse_duration("10m"))

    @model_validator(mode="after")
    def _rising(self) -> "Rollout":
        if any(
            later <= earlier for earlier, later in zip(self.steps, self.steps[1:], strict=False)
        ):
            raise refuse("`steps` must rise, such as [10, 50]", at=("steps",))
        return self


class Verification(Part):
    """Smoke tests after a promotion, and whether their failure rolls back."""

    tags: Annotated[tuple[Name, ...], Field(min_length=1, max_length=LIST_MAX_ITEMS)]
    rollback: StrictBool = True


class Retest(Part):
    """How often what is released is tested again unchanged, by tests with any of the tags, and how
    often each of them runs.
    """

    every: Duration = Field(default=parse_duration("24h"))
    tags: Annotated[tuple[Name, ...], Field(min_length=1, max_length=LIST_MAX_ITEMS)]
    runs: Annotated[StrictInt, Field(ge=RETEST_RUNS_MIN, le=TEST_RUNS_MAX)] = 5

    @model_validator(mode="after")
    def _every_bound(self) -> "Retest":
        if self.every.total_seconds() < RETEST_EVERY_MIN_S:
            raise refuse("`retest.every` must be at least 1m", at=("every",))
        return self


class Evidence(Part):
    """How long a passed gate counts."""

    expires: Duration = Field(default=parse_duration("24h"))


class Promotion(Part):
    """How an agent gets from one environment into this one."""

    from_environment: Name = Field(alias="from")
    via: Literal["commit", "pull-request"] = "commit"
    automatic: StrictBool = False
    tests: RequiredTests = RequiredTests()
    approvals: Approvals = Approvals()
    soak: Duration = Field(default=parse_duration("0s"))
    windows: Annotated[tuple[Window, ...], Field(max_length=LIST_MAX_ITEMS)] = ()
    rollout: Rollout | None = None
    verify: Verification | None = None
    retest: Retest | None = None
    evidence: Evidence = Evidence()


class Environment(Part):
    """A place agents run in. Without ``mode`` the server chooses: observe on live accounts,
    enforce on simulated ones. ``windows``: when anything may be written here at all.
    """

    name: Name
    source: Literal["head", "releases"] = "head"
    mode: Literal["observe", "approve", "enforce"] | None = None
    accounts: Accounts | None = None
    drift: Drift = Drift()
    prune: Prune = Prune()
    windows: Annotated[tuple[Window, ...], Field(max_length=LIST_MAX_ITEMS)] = ()
    promotion: Promotion | None = None

    @model_validator(mode="after")
    def _promotion_target(self) -> "Environment":
        if self.promotion is not None and self.source != "releases":
            raise refuse(
                "`promotion` needs `source: releases`: an environment that follows the branch "
                "is not promoted to",
                at=("promotion",),
                key=True,
            )
        return self


class Money(Part):
    """An amount."""

    usd: Annotated[StrictFloat, Field(ge=0)]


class Budgets(Part):
    """What may be spent."""

    tests_per_day: Money | None = None


class Rate(Part):
    """What we allow ourselves at a vendor, below what the vendor allows."""

    requests_per_second: Annotated[StrictFloat, Field(gt=0, le=1000)] | None = None
    concurrency: Annotated[StrictInt, Field(ge=1, le=1000)] | None = None


class Rates(Part):
    """Limits per account of a vendor."""

    elevenlabs: Rate = Rate()
    twilio: Rate = Rate()


class ProjectSpec(Part):
    """Everything that is not about one agent."""

    accounts: Accounts = Accounts()
    people: Annotated[tuple[Person, ...], Field(max_length=LIST_MAX_ITEMS)] = ()
    environments: Annotated[
        tuple[Environment, ...], Field(min_length=1, max_length=ENVIRONMENTS_MAX)
    ]
    signing: Signing | None = None
    budgets: Budgets = Budgets()
    notifications: Annotated[tuple[Notification, ...], Field(max_length=LIST_MAX_ITEMS)] = ()
    rates: Rates = Rates()
    calls: Calls = Calls()


class Project(Envelope):
    """The one document every manifests repository has."""

    kind: Literal["Project"]
    spec: ProjectSpec

    def environment(self, name: str) -> Environment | None:
        """The environment of that name, or None."""
        return next((each for each in self.spec.environments if each.name == name), None)

    def accounts(self, environment: Environment) -> Accounts:
        """The accounts in force in an environment."""
        own = environment.accounts or Accounts()
        shared = self.spec.accounts
        return Accounts.model_construct(
            elevenlabs=own.elevenlabs or shared.elevenlabs, twilio=own.twilio or shared.twilio
        )
