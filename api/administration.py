"""What the API takes and gives about the installation itself: projects, tokens, its health."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from api.answers import Answer, Name
from api.parameters import Moment
from trunkline.model import limits
from trunkline.model.base import Frozen
from trunkline.model.findings import Finding, FindingState
from trunkline.model.records import ProjectRecord, Role, TokenRecord
from trunkline.services.access import IssuedToken
from trunkline.services.projects import Removal

Reason = Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")]
Line = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")]


class GrantAnswer(Answer):
    """A role, in one project or (null) in every one."""

    role: Role
    project: str | None


class TokenAnswer(Answer):
    """A token of a person; the token itself is nowhere. ``project`` null means every project.

    ``kind`` `session` is a browser that signed in: ``grants`` are the roles of its person, and
    ``role`` and ``project`` the ones that count where no project is named. ``lastUsedAt`` is exact
    to the minute.
    """

    id: str
    prefix: str
    person: str
    role: Role
    project: str | None
    created_at: datetime | None
    expires_at: datetime | None
    last_used_at: datetime | None = None
    kind: Literal["token", "session"] = "token"
    grants: tuple[GrantAnswer, ...] = ()


class IssuedTokenAnswer(TokenAnswer):
    """A token that was just made. ``secret`` is in this answer and nowhere else, ever."""

    secret: str


class RemovalAnswer(Answer):
    """What a removal left: objects that go on on the platforms, and workflows it ended."""

    name: str
    objects_kept: int
    workflows_ended: int


class FindingAnswer(Answer):
    """One check; ``advice`` says what to do. Names are stable."""

    name: str
    state: FindingState
    found: str
    advice: str = ""


class DoctorAnswer(Answer):
    """``failed`` if any check failed, else ``warning`` if any warns, else ``ok``."""

    status: Literal["ok", "warning", "failed"]
    findings: tuple[FindingAnswer, ...]


class ProjectOrder(Frozen):
    """Register a manifests repository. Its credential is a variable of the server."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "acme-eu",
                "repository": "https://git.example.com/acme/agents-eu.git",
                "branch": "main",
            }
        }
    )

    name: Name
    repository: Line
    branch: Line = "main"
    poll_interval_s: Annotated[float, Field(ge=1, le=86_400)] = 60.0
    reason: Reason = ""

    def record(self) -> ProjectRecord:
        """The project as it is stored."""
        return ProjectRecord(
            name=self.name,
            repository=self.repository,
            branch=self.branch,
            poll_interval_s=self.poll_interval_s,
        )


class TokenOrder(Frozen):
    """Make a token for a person. ``project`` null means every project."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"person": "author@example.com", "role": "operator", "project": "acme"}
        }
    )

    person: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
    role: Role
    project: Name | None = None
    expires_at: Moment | None = None
    reason: Reason = ""


class RotationOrder(Frozen):
    """Make a new token in the place of one; the old one goes on for ``graceS`` seconds."""

    model_config = ConfigDict(json_schema_extra={"example": {"graceS": 3600}})

    grace_s: Annotated[float, Field(ge=0, le=limits.TOKEN_GRACE_MAX_S)] = 86_400.0
    reason: Reason = ""


def token_answer(record: TokenRecord) -> TokenAnswer:
    """A token without its hash."""
    return TokenAnswer.model_validate(record.model_dump())


def issued_answer(issued: IssuedToken) -> IssuedTokenAnswer:
    """A new token with its secret."""
    return IssuedTokenAnswer(**token_answer(issued.record).model_dump(), secret=issued.secret)


def removal_answer(removal: Removal) -> RemovalAnswer:
    """What a removal left."""
    return RemovalAnswer(
        name=removal.name,
        objects_kept=removal.objects_kept,
        workflows_ended=removal.workflows_ended,
    )


def doctor_answer(findings: tuple[Finding, ...]) -> DoctorAnswer:
    """Every finding and the worst of them."""
    states = {finding.state for finding in findings}
    status: Literal["ok", "warning", "failed"] = "warning" if "warning" in states else "ok"
    return DoctorAnswer(
        status="failed" if "failed" in states else status,
        findings=tuple(FindingAnswer.model_validate(f.model_dump()) for f in findings),
    )
