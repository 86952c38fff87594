"""Distils the request shapes the look-alike checks from the vendor's interface description.

The vendor's document is megabytes of prose and examples; the simulator needs only names, types,
bounds and defaults. ``python -m simulators.elevenlabs.distil OPENAPI_JSON`` rewrites
``shapes.json`` beside this file when the vendor adds fields. Nothing imports this module at run
time, and it knows nothing about requests.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

Json = dict[str, Any]

ROOTS = {
    "AgentCreate": "Body_Create_Agent_v1_convai_agents_create_post",
    "AgentPatch": "Body_Patches_an_Agent_settings_v1_convai_agents__agent_id__patch",
    "AgentDuplicate": "Body_Duplicate_Agent_v1_convai_agents__agent_id__duplicate_post",
    "BranchCreate": "Body_Create_a_new_branch_v1_convai_agents__agent_id__branches_post",
    "BranchPatch": (
        "Body_Update_agent_branch_v1_convai_agents__agent_id__branches__branch_id__patch"
    ),
    "DeploymentCreate": (
        "Body_Create_or_update_deployments_v1_convai_agents__agent_id__deployments_post"
    ),
    "Tool": "ToolRequestModel",
    "TextDocument": "Body_Create_text_document_v1_convai_knowledge_base_text_post",
    "UrlDocument": "Body_Create_URL_document_v1_convai_knowledge_base_url_post",
    "FileDocument": "Body_Create_file_document_v1_convai_knowledge_base_file_post",
    "FileReplacement": (
        "Body_Update_file_document_v1_convai_knowledge_base__documentation_id__update_file_patch"
    ),
    "DocumentPatch": ("Body_Update_document_v1_convai_knowledge_base__documentation_id__patch"),
    "SecretCreate": "PostWorkspaceSecretRequest",
    "SecretPatch": "PatchWorkspaceSecretRequest",
    "TwilioNumberImport": "CreateTwilioPhoneNumberRequest",
    "SipNumberImport": "CreateSIPTrunkPhoneNumberRequestV2",
    "NumberPatch": "UpdatePhoneNumberRequest",
    "ConversationOverride": "ConversationConfigClientOverride-Input",
    "ConversationFeedback": "ConversationFeedbackRequestModel",
    "CallRegistration": (
        "Body_Register_a_Twilio_call_and_return_TwiML_v1_convai_twilio_register_call_post"
    ),
    "OutboundCall": ("Body_Handle_an_outbound_call_via_Twilio_v1_convai_twilio_outbound_call_post"),
    "WebhookCreate": "Body_Create_workspace_webhook_v1_workspace_webhooks_post",
    "WebhookPatch": "Body_Update_workspace_webhook_v1_workspace_webhooks__webhook_id__patch",
    "SettingsPatch": "PatchConvAISettingsRequest",
    "ResponseTest": "CreateResponseUnitTestRequest",
    "ToolTest": "CreateToolCallUnitTestRequest",
    "SimulationTest": "CreateSimulationTestRequest",
    "TestIds": "ListTestsByIdsRequestModel",
    "TestRun": "RunAgentTestsRequestModel",
    "TestRunAgain": "ResubmitTestsRequestModel",
}
# Deep families that no simulated behaviour depends on: taken as they come, unchecked.
FREE_FORM = frozenset({"SMBToolConfig", "ASTNode-Input", "ApiIntegrationWebhookToolConfig-Input"})
TEXT: Json = {"kind": "string", "nullable": True}
NUMBER: Json = {"kind": "number", "nullable": True}
FLAG: Json = {"kind": "boolean", "nullable": True}
OFF: Json = {"kind": "boolean", "default": False}
TIER: Json = {"kind": "enum", "values": ["standard", "fast"], "nullable": True}
EFFORT: Json = {
    "kind": "enum",
    "values": ["none", "minimal", "low", "medium", "high", "xhigh", "max"],
    "nullable": True,
}
POSITIONS: Json = {"kind": "list", "of": {"kind": "any"}}
# Fields the vendor's clients already know and its older description does not.
LATER_FIELDS: dict[str, Json] = {
    "AgentTransfer-Input": {"branch_id": TEXT, "preserve_voice_settings": OFF},
    "AlertingIntegrationNotifier": {"integration_type": TEXT, "channel_id": TEXT},
    "AlertingMonitorConfig": {"enabled": FLAG},
    "ConvAIWebhooks": {"exclude_transcript": OFF},
    "ConversationHistoryRedactionConfig": {
        "excluded_data_collection_ids": {"kind": "list", "of": {"kind": "string"}}
    },
    "EffectsSpec-Input": {"pan": NUMBER},
    "LanguagePreset-Input": {
        "noisy_environment_message_translation": {"kind": "any", "nullable": True}
    },
    "PromptAgentAPIModel-Input": {
        "enable_parallel_tool_calls": OFF,
        "service_tier": TIER,
        "tool_ids_strict": OFF,
    },
    "PromptAgentAPIModelOverride-Input": {"reasoning_effort": EFFORT, "tool_ids_strict": FLAG},
    "PromptAgentAPIModelOverrideConfig": {"reasoning_effort": OFF, "tool_ids_strict": OFF},
    "PromptAgentAPIModelWorkflowOverride-Input": {
        "enable_parallel_tool_calls": FLAG,
        "service_tier": TIER,
        "tool_ids_strict": FLAG,
    },
    "SkipTurnToolConfig": {"wait_timeout_secs": NUMBER},
    "SupportedVoice": {"clone_strength": NUMBER},
    "TTSConversationalConfig-Input": {"clone_strength": NUMBER},
    "TTSConversationalConfigOverride": {"clone_strength": NUMBER},
    "TTSConversationalConfigOverrideConfig": {"clone_strength": OFF},
    "TTSConversationalConfigWorkflowOverride-Input": {"clone_strength": NUMBER},
    "TurnConfig": {"noisy_environment_detection": OFF, "noisy_environment_message": TEXT},
    "TurnConfigOverride": {"noisy_environment_message": TEXT},
    "TurnConfigOverrideConfig": {"noisy_environment_message": OFF},
    "TurnConfigWorkflowOverride": {"noisy_environment_message": TEXT},
    "WidgetConfig-Input": {
        "end_confirmation_enabled": OFF,
        "mobile_fullscreen": OFF,
        "transcript_speech_sync_enabled": OFF,
    },
    "WidgetTextContents": {
        "queue_waiting_status": TEXT,
        "queue_waiting_status_short": TEXT,
        "queue_timed_out": TEXT,
        "rich_content_unavailable": TEXT,
    },
    "WorkflowEdgeModel-Input": {"reroutes": POSITIONS},
    "WorkflowEndNodeModel-Input": {
        "outcome": {"kind": "enum", "values": ["success", "failure"], "default": "success"}
    },
    "WorkflowStandaloneAgentNodeModel-Input": {
        "branch_id": TEXT,
        "preserve_voice_settings": OFF,
    },
}
# Workflow nodes of the same kind: taken as they come.
LATER_NODES = ("say", "update_state")
BOUNDS = {
    "minimum": "min",
    "maximum": "max",
    "exclusiveMinimum": "above",
    "exclusiveMaximum": "below",
    "minLength": "min_length",
    "maxLength": "max_length",
    "minItems": "min_items",
    "maxItems": "max_items",
    "pattern": "pattern",
}


class Distiller:
    """Walks the vendor's component schemas from the request bodies and keeps what is reachable."""

    def __init__(self, schemas: Json) -> None:
        self._schemas = schemas
        self.shapes: dict[str, Json] = {}

    def component(self, name: str) -> str:
        """Distil one named component, with everything it refers to; return its name."""
        if name not in self._schemas and name.endswith("-Input"):
            name = name.removesuffix("-Input")
        if name not in self.shapes:
            self.shapes[name] = {"kind": "any"}
            if name not in FREE_FORM:
                self.shapes[name] = self.shape(self._schemas[name])
                self._mark_unread(name)
                self.shapes[name].get("fields", {}).update(LATER_FIELDS.get(name, {}))
        return name

    def _mark_unread(self, name: str) -> None:
        """Mark fields that can be sent and are in no answer."""
        twin = self._schemas.get(name.removesuffix("-Input") + "-Output")
        if name.endswith("-Input") and twin is not None:
            for field, shape in self.shapes[name].get("fields", {}).items():
                if field not in twin.get("properties", {}):
                    shape["unread"] = True

    def shape(self, schema: Json) -> Json:
        """One schema as a shape; ``default`` is kept where the vendor states one."""
        shape = self._bare(schema)
        if "default" in schema:
            shape["default"] = schema["default"]
        for theirs, ours in BOUNDS.items():
            if theirs in schema:
                shape[ours] = schema[theirs]
        return shape

    def _bare(self, schema: Json) -> Json:
        if "$ref" in schema:
            return {"kind": "ref", "to": self.component(schema["$ref"].rsplit("/", 1)[-1])}
        options = schema.get("anyOf") or schema.get("oneOf")
        if options:
            return self._options(schema, options)
        if "const" in schema:
            return {"kind": "enum", "values": [schema["const"]]}
        if "enum" in schema:
            return {"kind": "enum", "values": schema["enum"]}
        return self._typed(schema)

    def _options(self, schema: Json, options: list[Json]) -> Json:
        concrete = [option for option in options if option.get("type") != "null"]
        nullable = len(concrete) < len(options)
        discriminator = schema.get("discriminator")
        if discriminator:
            shape: Json = {
                "kind": "variant",
                "by": discriminator["propertyName"],
                "of": {
                    tag: self.component(target.rsplit("/", 1)[-1])
                    for tag, target in discriminator["mapping"].items()
                },
            }
        elif len(concrete) == 1:
            shape = self.shape(concrete[0])
        else:
            shape = {"kind": "union", "of": [self.shape(option) for option in concrete]}
        if nullable or shape.get("nullable"):
            shape["nullable"] = True
        return shape

    def _typed(self, schema: Json) -> Json:
        kind = schema.get("type", "any")
        if kind == "array":
            return {"kind": "list", "of": self.shape(schema.get("items", {}))}
        if kind == "object":
            return self._object(schema)
        if kind == "null":
            return {"kind": "any", "nullable": True}
        return {"kind": kind}

    def _object(self, schema: Json) -> Json:
        if "properties" in schema:
            fields = {name: self.shape(item) for name, item in schema["properties"].items()}
            shape: Json = {"kind": "object", "fields": fields}
            if schema.get("required"):
                shape["required"] = schema["required"]
            return shape
        extra = schema.get("additionalProperties", True)
        return {
            "kind": "map",
            "of": self.shape(extra) if isinstance(extra, dict) else {"kind": "any"},
        }


def distil(document: Json) -> Json:
    """The shapes of every simulated request body, by our names and by the vendor's."""
    distiller = Distiller(document["components"]["schemas"])
    for name, component in ROOTS.items():
        distiller.shapes[name] = {"kind": "ref", "to": distiller.component(component)}
    workflow = distiller.shapes["AgentWorkflowRequestModel"]
    workflow["fields"]["nodes"]["of"]["of"].update(dict.fromkeys(LATER_NODES, "FreeForm"))
    distiller.shapes["FreeForm"] = {"kind": "any"}
    return distiller.shapes


def main(arguments: list[str]) -> None:
    """Write ``shapes.json`` from the vendor's document at the given path."""
    document = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    lines = [
        f"{json.dumps(name)}: {json.dumps(shape, separators=(',', ':'), sort_keys=True)}"
        for name, shape in sorted(distil(document).items())
    ]
    target = Path(__file__).with_name("shapes.json")
    target.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
