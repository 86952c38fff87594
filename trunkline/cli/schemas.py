"""JSON Schemas of what commands print with ``-o json``, so that scripts can rely on it.

They are made from the API's own answers, which commands print as they come. Nothing here is
needed to run a command: ``make docs`` writes the files, tests hold commands to them.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, TypeAdapter

from api.administration import FindingAnswer, TokenAnswer
from api.answers import (
    AgentAnswer,
    AuditAnswer,
    EnvironmentAnswer,
    EventAnswer,
    NumberAnswer,
    OperationAnswer,
    ProjectAnswer,
    SourceAnswer,
)
from api.calls import CallRecordAnswer, ExportedCall
from api.changes import ChangeAnswer, ManifestRowAnswer
from api.descriptions import DescriptionAnswer, HistoryAnswer
from api.promotions import PromotionAnswer
from api.routes.behaviour import BehaviourAnswer
from api.routes.call_control import CallCommandAnswer, ContextSlotAnswer
from api.routes.call_orders import CallOrderAnswer, DoNotCallAnswer
from api.routes.delivery import DeliveryFiguresAnswer
from api.routes.ejections import EjectionAnswer
from api.routes.experiments import ExperimentAnswer
from api.routes.manual_results import ManualResultAnswer
from api.routes.notifications import NotificationAnswer
from realtime.messages import ListeningMessage, StreamMessage
from trunkline.cli.authoring import ListedTemplate
from trunkline.cli.listing import FORMAT_VERSION
from trunkline.cli.testing.listing import ListedTest
from trunkline.model.base import Json, JsonObject
from trunkline.model.conditions import Condition
from trunkline.model.evidence_checks import CheckedRelease
from trunkline.model.plan_json import plan_schema
from trunkline.model.plans import Drifted
from trunkline.model.testing.results import TestRunReport

DIALECT = "https://json-schema.org/draft/2020-12/schema"

LISTS: Mapping[str, type[BaseModel]] = {
    "AgentHistory": HistoryAnswer,
    "AuditList": AuditAnswer,
    "CheckedReleaseList": CheckedRelease,
    "DoctorReport": FindingAnswer,
    "DoNotCallList": DoNotCallAnswer,
    "DriftList": Drifted,
    "CallList": CallRecordAnswer,
    "CallOrderList": CallOrderAnswer,
    "ContextSlotList": ContextSlotAnswer,
    "Change": ChangeAnswer,
    "Ejection": EjectionAnswer,
    "EventList": EventAnswer,
    "ManifestList": ManifestRowAnswer,
    "ManualResultList": ManualResultAnswer,
    "NotificationList": NotificationAnswer,
    "ProjectList": ProjectAnswer,
    "PromotionList": PromotionAnswer,
    "TemplateList": ListedTemplate,
    "TestList": ListedTest,
    "TokenList": TokenAnswer,
    "NumberList": NumberAnswer,
}
"""Lists by their kind, and what their items are."""

DOCUMENTS: Mapping[str, type[BaseModel]] = {
    "AgentDescription": DescriptionAnswer,
    "Behaviour": BehaviourAnswer,
    "Call": ExportedCall,
    "CallCommand": CallCommandAnswer,
    "CallOrder": CallOrderAnswer,
    "Delivery": DeliveryFiguresAnswer,
    "Experiment": ExperimentAnswer,
    "Operation": OperationAnswer,
    "Promotion": PromotionAnswer,
}
"""Single documents, printed exactly as the API answers them."""
STREAMS: Mapping[str, TypeAdapter[Any]] = {
    "EventStreamMessage": TypeAdapter(StreamMessage),
    "ListeningStreamMessage": TypeAdapter(ListeningMessage),
}
"""Messages of WebSockets, one of several shapes each; ``calls watch`` prints the former."""


def schemas() -> dict[str, JsonObject]:
    """Every schema by the kind it describes."""
    found = {kind: list_schema(kind, items=item) for kind, item in LISTS.items()}
    found |= {kind: _document(kind, shape) for kind, shape in DOCUMENTS.items()}
    found |= {kind: _message(kind, shape) for kind, shape in STREAMS.items()}
    found["FleetStatus"] = _fleet_status()
    found["test-result"] = _document("TestRunReport", TestRunReport)
    found["Plan"] = {**plan_schema(), "title": "Plan"}
    return dict(sorted(found.items()))


def list_schema(kind: str, **members: type[BaseModel]) -> JsonObject:
    """A versioned document of arrays; a member ``items`` for lists."""
    definitions: JsonObject = {}
    properties: JsonObject = {
        "formatVersion": {"const": FORMAT_VERSION},
        "kind": {"const": kind},
    }
    for name, shape in members.items():
        properties[name] = {"type": "array", "items": _shape(shape, definitions)}
    return {
        "$schema": DIALECT,
        "title": kind,
        "type": "object",
        "required": list(properties),
        "properties": properties,
        "$defs": definitions,
    }


def _document(kind: str, shape: type[BaseModel]) -> JsonObject:
    definitions: JsonObject = {}
    described = _shape(shape, definitions)
    return {"$schema": DIALECT, "title": kind, **described, "$defs": definitions}


def _message(kind: str, shapes: TypeAdapter[Any]) -> JsonObject:
    described = shapes.json_schema(mode="serialization")
    return {"$schema": DIALECT, **described, "title": kind}


def _fleet_status() -> JsonObject:
    schema = list_schema(
        "FleetStatus", environments=EnvironmentAnswer, agents=AgentAnswer, numbers=NumberAnswer
    )
    definitions, properties = schema["$defs"], schema["properties"]
    if isinstance(definitions, dict) and isinstance(properties, dict):
        source = _shape(SourceAnswer, definitions)
        properties["project"] = {"type": "string"}
        properties["conditions"] = {"type": "array", "items": _shape(Condition, definitions)}
        properties["source"] = {"anyOf": [source, {"type": "null"}]}
    return {**schema, "required": ["formatVersion", "kind", "project", "agents", "numbers"]}


def _shape(shape: type[BaseModel], definitions: JsonObject) -> JsonObject:
    described: JsonObject = shape.model_json_schema(by_alias=True, mode="serialization")
    inner = described.pop("$defs", {})
    if isinstance(inner, dict):
        definitions.update({name: _opened(entry) for name, entry in inner.items()})
    opened = _opened(described)
    return opened if isinstance(opened, dict) else described


def _opened(definition: Json) -> Json:
    """The same for whoever reads: keys may be added at any time."""
    if isinstance(definition, dict):
        is_closed = definition.get("additionalProperties") is False
        dropped = {"additionalProperties"} if is_closed else set()
        return {key: _opened(value) for key, value in definition.items() if key not in dropped}
    if isinstance(definition, list):
        return [_opened(entry) for entry in definition]
    return definition
