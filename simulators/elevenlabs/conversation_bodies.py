"""What a read or a list shows of a conversation's record, in the vendor's shapes.

Pure functions from a record to JSON.
"""

from __future__ import annotations

import math
from typing import Any

from simulators.wire import Json

# What a minute of talking costs, in the vendor's credits; text costs nothing here.
CREDITS_PER_MINUTE = 500
STATUSES = ("initiated", "in-progress", "processing", "done", "failed")
SUCCESS = ("success", "failure", "unknown")
SOURCES = (
    "unknown",
    "android_sdk",
    "node_js_sdk",
    "react_native_sdk",
    "react_sdk",
    "js_sdk",
    "python_sdk",
    "widget",
    "sip_trunk",
    "twilio",
    "exotel",
    "genesys",
    "avaya",
    "audiocodes",
    "swift_sdk",
    "whatsapp",
    "twilio_sms",
    "flutter_sdk",
    "zendesk_integration",
    "slack_integration",
    "telegram_integration",
    "intercom_integration",
    "freshdesk_integration",
    "salesforce_integration",
    "template_preview",
    "genesys_bot_connector",
    "subagent_tool",
)


def _success(record: Json) -> str:
    analysis = record.get("analysis")
    return str(
        analysis["call_successful"] if analysis else record.get("call_successful", "unknown")
    )


def row(record: Json, *, with_summary: bool) -> Json:
    """A conversation as a list shows it."""
    analysis = record.get("analysis") or {}
    return {
        "agent_id": record["agent_id"],
        "branch_id": record["branch_id"],
        "version_id": record["version_id"],
        "agent_name": record["agent_name"],
        "conversation_id": record["conversation_id"],
        "start_time_unix_secs": record["start_time_unix_secs"],
        "call_duration_secs": record["duration_s"],
        "message_count": len(record["transcript"]),
        "status": record["status"],
        "termination_reason": record["termination_reason"],
        "call_successful": _success(record),
        "transcript_summary": analysis.get("transcript_summary") if with_summary else None,
        "call_summary_title": analysis.get("call_summary_title") if with_summary else None,
        "main_language": record["language"],
        "conversation_initiation_source": record["source"] or "unknown",
        "tool_names": record["tool_names"],
        "direction": (record["phone_call"] or {}).get("direction"),
        "rating": None,
    }


def body(record: Json) -> Json:
    """A conversation as a read shows it."""
    sound = not record["text_only"] and bool(record["transcript"])
    return {
        "agent_id": record["agent_id"],
        "agent_name": record["agent_name"],
        "status": record["status"],
        "user_id": record["user_id"],
        "branch_id": record["branch_id"],
        "version_id": record["version_id"],
        "metadata": _metadata(record),
        "analysis": record["analysis"],
        "conversation_initiation_client_data": _initiation(record),
        "environment": record["environment"],
        "conversation_id": record["conversation_id"],
        "has_audio": sound,
        "has_user_audio": sound,
        "has_response_audio": sound,
        "has_auxiliary_audio": False,
        "transcript": record["transcript"],
    }


def _metadata(record: Json) -> Json:
    feedback = record["feedback"]
    return {
        "start_time_unix_secs": record["start_time_unix_secs"],
        "accepted_time_unix_secs": record["start_time_unix_secs"],
        "call_duration_secs": record["duration_s"],
        "cost": _cost(record),
        "cost_fiat": None,
        "feedback": {
            "type": "thumbs" if feedback else None,
            "overall_score": feedback,
            "likes": int(feedback == "like"),
            "dislikes": int(feedback == "dislike"),
        },
        "authorization_method": record["authorization"],
        "termination_reason": record["termination_reason"],
        "error": record["error"],
        "warnings": [],
        "main_language": record["language"],
        "text_only": record["text_only"],
        "conversation_initiation_source": record["source"] or "unknown",
        "conversation_initiation_source_version": record["source_version"],
        "timezone": None,
        "phone_call": record["phone_call"],
        "batch_call": None,
        "agent_created_from": "api",
        "agent_last_updated_from": "api",
    }


def _cost(record: Json) -> int:
    minutes = 0.0 if record["text_only"] else record["duration_s"] / 60
    return math.ceil(minutes * CREDITS_PER_MINUTE)


def _initiation(record: Json) -> Json:
    variables: dict[str, Any] = record["variables"]
    return {
        "conversation_config_override": {},
        "custom_llm_extra_body": {},
        "user_id": record["user_id"],
        "source_info": {"source": record["source"], "version": record["source_version"]},
        "branch_id": record["branch_id"],
        "environment": record["environment"],
        "dynamic_variables": variables,
    }
