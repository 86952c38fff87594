"""What the API takes and gives: the public shapes, apart from the rows they are read from.

Answers may gain keys, so whoever parses one ignores what it does not know; requests are closed,
so that a misspelt key is an error and not a wish nobody hears.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import ConfigDict, Field

from trunkline.model import limits
from trunkline.model.base import Frozen, Json
from trunkline.model.calls.routing import Decision, LineReport
from trunkline.model.conditions import Condition, HealthWord, SyncWord, find
from trunkline.model.ids import NAME_PATTERN
from trunkline.model.number_inventory import NumberState, RouteReport
from trunkline.model.plan_json import PlanDocument, plan_json
from trunkline.model.problems import Problem
from trunkline.model.records import (
    AuditRecord,
    EventRecord,
    OperationItem,
    OperationKind,
    OperationRecord,
    OperationState,
    PlanRecord,
    Role,
    Stage,
    StatusRow,
)
from trunkline.model.routes import RouteLayer
from trunkline.services.numbers import InventoryRow
from trunkline.services.pages import Page
from trunkline.services.projects import ProjectState

Name = Annotated[str, Field(pattern=NAME_PATTERN)]

_CREDENTIAL = re.compile(r"^([A-Za-z+]+://)[^@/]*@")
_REVISION = "3f0c1f7c9f6a4b0d8e2a5c7b9d1e3f5a7c9b1d3e"
_TIME = "2026-03-02T09:15:00Z"


class Answer(Frozen):
    """The base of everything the API answers with."""

    model_config = ConfigDict(extra="ignore")


Item = TypeVar("Item", bound=Answer)
Row = TypeVar("Row")


class PageAnswer(Answer, Generic[Item]):
    """Some items; pass ``nextCursor`` as ``cursor`` for the next ones, null means no more."""

    items: tuple[Item, ...]
    next_cursor: str | None = None


class EnvironmentAnswer(Answer):
    """One environment; ``message`` says what it waits for, if anything."""

    name: str
    source: str
    mode: str
    message: str = ""


class SourceAnswer(Answer):
    """How the repository is. ``appliedRevision`` is the last valid commit that was seen.

    ``signature`` is of the seen commit: `ssh:<email>`, `gpg:<fingerprint>`, `unsigned`, `invalid`,
    `unknown`, or empty where the project lists no signers.
    """

    seen_revision: str | None = None
    applied_revision: str | None = None
    author: str = ""
    subject: str = ""
    signature: str = ""
    conditions: tuple[Condition, ...] = ()
    problems: tuple[Problem, ...] = ()


class ProjectAnswer(Answer):
    """A registered manifests repository; ``source`` is null before the first look at it.
    ``conditions`` say what is wrong with the project beside its Git, such as recipients of
    notifications that take none.
    """

    name: str
    repository: str
    branch: str
    poll_interval_s: float
    source: SourceAnswer | None = None
    environments: tuple[EnvironmentAnswer, ...] = ()
    conditions: tuple[Condition, ...] = ()


class AgentAnswer(Answer):
    """One agent in one environment."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "project": "acme",
                "environment": "testing",
                "name": "front-desk",
                "stage": "testing",
                "sync": "Synced",
                "health": "Healthy",
                "gate": "",
                "version": 0,
                "revision": _REVISION,
                "digest": "sha256:" + "5e" * 32,
                "numbers": ["+15005550006"],
                "externalId": "agent_7101k5zvyjhmfg983brhmhkd98n6",
                "message": "",
                "conditions": [{"type": "Ready", "status": "True", "reason": "Synced"}],
                "labels": {"team": "reception"},
                "createdAt": _TIME,
                "changedAt": _TIME,
            }
        }
    )

    project: str
    environment: str
    name: str
    stage: Stage
    sync: SyncWord
    health: HealthWord
    gate: str
    version: int
    revision: str | None
    digest: str | None
    numbers: tuple[str, ...]
    external_id: str | None
    message: str
    conditions: tuple[Condition, ...]
    labels: dict[str, str]
    created_at: datetime
    changed_at: datetime


class NumberAnswer(Answer):
    """One phone number; ``number`` is E.164.

    Whether it is free is said with ``scope=account``, which reads the accounts: ``route`` is where
    calls really go, ``agent`` who is assigned, ``manifest`` the line that names the number. Without
    a manifest, ``environment`` and ``name`` are empty.
    """

    project: str
    environment: str
    name: str
    number: str
    sync: SyncWord = "Unknown"
    health: HealthWord = "Unknown"
    revision: str | None = None
    external_id: str | None = None
    message: str
    conditions: tuple[Condition, ...] = ()
    created_at: datetime | None = None
    changed_at: datetime | None = None
    state: NumberState = "assigned"
    agent: str = ""
    agent_external_id: str | None = None
    route: str = ""
    capabilities: tuple[str, ...] = ()
    manifest: str = ""


class NumbersAnswer(PageAnswer[NumberAnswer]):
    """Phone numbers; ``problems`` name accounts that could not be read, whose numbers are missing
    or said to be ``unknown``.
    """

    problems: tuple[str, ...] = ()


class CallRouteAnswer(Answer):
    """Who would take a call at a moment, by the number's table that is in force: an agent, else a
    number (`forwardTo`), else nobody. `line` counts from 0; null: the number has one agent, or no
    line takes the call. Each line says what became of it.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "at": "2026-06-15T09:30:00Z",
                "agent": "front-desk",
                "forwardTo": "",
                "line": 0,
                "words": "line 1: Mon-Fri 09:00-17:00 Europe/London",
                "lines": [
                    {
                        "line": 0,
                        "agent": "front-desk",
                        "condition": "Mon-Fri 09:00-17:00 Europe/London",
                        "state": "taken",
                        "words": "agent front-desk answers",
                    }
                ],
            }
        }
    )

    at: datetime
    agent: str | None
    forward_to: str
    line: int | None
    words: str
    lines: tuple[LineReport, ...]


class RouteAnswer(Answer):
    """Where calls to a number go, layer by layer, the one that is asked first before the others.

    ``problem`` says why that is not what Git wants, ``remedy`` what to do about it. ``call`` says
    who would take a call that comes to us, null where calls do not.
    """

    number: NumberAnswer
    layers: tuple[RouteLayer, ...]
    wished: str = ""
    problem: str = ""
    remedy: str = ""
    call: CallRouteAnswer | None = None


class EventAnswer(Answer):
    """Something that changed; ids only grow, so the last one seen is where to follow from."""

    id: int
    at: datetime
    project: str
    environment: str
    kind: Literal["project", "agent", "number", "environment", "account", "call"]
    name: str
    type: Literal["Normal", "Warning"]
    reason: str
    message: str
    revision: str | None
    details: dict[str, Json]


class OperationAnswer(Answer):
    """What somebody asked for and how far it is: ``done`` of ``total`` items have ended.

    ``Failed`` is a definite bad answer, ``Error`` means it could not be found out.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "sync-2f1c9be0a47d3355",
                "project": "acme",
                "kind": "sync",
                "state": "Running",
                "requestedBy": "author@example.com",
                "total": 8,
                "done": 3,
                "message": "",
                "planId": None,
                "items": [
                    {
                        "environment": "testing",
                        "kind": "agent",
                        "name": "front-desk",
                        "state": "Succeeded",
                        "message": "",
                    }
                ],
                "createdAt": _TIME,
                "finishedAt": None,
            }
        }
    )

    id: str
    project: str
    kind: OperationKind
    state: OperationState
    requested_by: str
    total: int
    done: int
    message: str
    plan_id: str | None
    items: tuple[OperationItem, ...]
    created_at: datetime | None
    finished_at: datetime | None


class PlanAnswer(Answer):
    """A stored plan: what would be written, step by step; the same document ``plan -o json``
    prints.
    """

    id: str
    project: str
    environment: str
    revision: str | None
    created_at: datetime | None
    plan: PlanDocument


class AuditAnswer(Answer):
    """One write through the API: who, what, why.

    ``before`` and ``after`` are what it changed, null where that is nothing that can be named.
    ``action`` `denied` is a write that was refused: its subject is what was asked.
    """

    id: int
    at: datetime
    actor: str
    role: Role
    action: str
    project: str
    subject: str
    request_id: str
    reason: str
    details: dict[str, Json]
    before: dict[str, Json] | None = None
    after: dict[str, Json] | None = None


class CheckAnswer(Answer):
    """One dependency; ``message`` says what is wrong with it."""

    name: str
    ready: bool
    message: str = ""


class HealthAnswer(Answer):
    """``ok`` or ``unavailable``, and why."""

    status: Literal["ok", "unavailable"]
    checks: tuple[CheckAnswer, ...] = ()


class DeliveryAnswer(Answer):
    """What a webhook delivery led to."""

    result: Literal["refreshed", "ignored", "pong"]
    reason: str = ""
    projects: tuple[str, ...] = ()


class PlanOrder(Frozen):
    """Ask for a plan. ``agents`` names agents or numbers; empty means the whole environment."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"environment": "testing", "agents": ["front-desk"]}}
    )

    environment: Name
    agents: Annotated[tuple[Name, ...], Field(max_length=limits.API_NAMES_MAX)] = ()
    hard_refresh: bool = False


class SyncOrder(Frozen):
    """Ask for a sync. ``hardRefresh`` looks at everything again, changed or not.
    ``overrideWindow`` is the reason to write although the environment's windows are closed.
    """

    model_config = ConfigDict(
        json_schema_extra={"example": {"environment": "testing", "reason": "after the outage"}}
    )

    environment: Name | None = None
    hard_refresh: bool = False
    reason: Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")] = ""
    override_window: Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")] = ""


def page_answer(
    page: Page[Row], convert: Callable[[Row], Item], shape: type[PageAnswer[Item]]
) -> PageAnswer[Item]:
    """A page of rows as the API answers it."""
    return shape(items=tuple(convert(row) for row in page.items), next_cursor=page.cursor)


def project_answer(state: ProjectState) -> ProjectAnswer:
    """A project; a credential somebody left in the repository's address is not repeated."""
    source = state.source
    return ProjectAnswer(
        name=state.project.name,
        repository=_CREDENTIAL.sub(r"\1", state.project.repository),
        branch=state.project.branch,
        poll_interval_s=state.project.poll_interval_s,
        source=None if source is None else SourceAnswer.model_validate(source.model_dump()),
        environments=tuple(
            EnvironmentAnswer(name=e.name, source=e.source, mode=e.mode, message=e.message)
            for e in state.environments
        ),
        conditions=state.conditions,
    )


def agent_answer(row: StatusRow) -> AgentAnswer:
    """An agent's status row."""
    return AgentAnswer.model_validate(vars(row))


def number_answer(row: StatusRow) -> NumberAnswer:
    """A number's status row."""
    number = row.numbers[0] if row.numbers else ""
    return NumberAnswer.model_validate({**vars(row), "number": number})


def inventory_answer(row: InventoryRow) -> NumberAnswer:
    """One number of an account; what holds it back goes before what is seen right now."""
    line = row.line.model_dump(by_alias=False)
    if row.status is None:
        return NumberAnswer.model_validate(line)
    known = row.status.model_dump(by_alias=False, exclude={"kind", "numbers"})
    words = (row.line.message, row.status.message)
    if find(row.status.conditions, "Stalled") is not None:
        words = (row.status.message, row.line.message)
    return NumberAnswer.model_validate({**line, **known, "message": words[0] or words[1]})


def route_answer(
    report: RouteReport, decided: tuple[datetime, Decision] | None = None
) -> RouteAnswer:
    """The route of one number, and of one call to it."""
    call = None
    if decided is not None:
        at, decision = decided
        call = CallRouteAnswer.model_validate({"at": at, **decision.model_dump(by_alias=False)})
    return RouteAnswer(
        call=call,
        number=NumberAnswer.model_validate(report.line.model_dump(by_alias=False)),
        layers=report.layers,
        wished=report.wished,
        problem=report.problem,
        remedy=report.remedy,
    )


def event_answer(event: EventRecord) -> EventAnswer:
    """An event."""
    return EventAnswer.model_validate(vars(event))


def operation_answer(operation: OperationRecord) -> OperationAnswer:
    """An operation."""
    return OperationAnswer.model_validate(operation.model_dump())


def plan_answer(record: PlanRecord) -> PlanAnswer:
    """A stored plan."""
    return PlanAnswer(
        id=record.id,
        project=record.project,
        environment=record.environment,
        revision=record.revision,
        created_at=record.created_at,
        plan=PlanDocument.model_validate(plan_json(record.plan)),
    )


def audit_answer(record: AuditRecord) -> AuditAnswer:
    """One row of the audit log."""
    return AuditAnswer.model_validate(vars(record))
