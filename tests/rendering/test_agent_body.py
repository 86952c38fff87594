"""Each thing a manifest says has one place in the vendor's body; what is unset has none."""

from typing import Any

import pytest

from trunkline.adapters.elevenlabs.rendering import (
    CLIENT_EVENTS,
    RULES,
    render_agent,
    render_document,
    render_page,
    render_upload,
)
from trunkline.model.desired import DesiredAgent, DesiredDocument
from trunkline.model.diffs import leaves
from trunkline.model.ids import Digest, content_mark, document_mark, reference
from trunkline.model.shared_objects import object_key
from trunkline.model.status import manifest_position

AGENT = "conversation_config.agent"
PROMPT = f"{AGENT}.prompt"
VARIABLES = f"{AGENT}.dynamic_variables.dynamic_variable_placeholders"
DIGEST = Digest("sha256:" + "ab" * 32)
PAGE = "https://shop.example.com/faq"


def test_every_key_has_its_place(whole_agent: DesiredAgent) -> None:
    [tool], [document] = whole_agent.tools, whole_agent.documents
    said = leaves(render_agent(whole_agent).body)
    builtins = {
        f"{PROMPT}.built_in_tools.{name}.{leaf}": name
        for name in whole_agent.builtin_tools
        for leaf in ("name", "params.system_tool_type")
    }
    document_key = object_key(document.name, document.digest)
    assert said == {
        "name": "Front desk",
        "tags": ["trunkline:acme/testing/front-desk"],
        f"{PROMPT}.prompt": (
            "You are the front desk.\n\n# Context\n\n"
            "- business_hours: {{business_hours}}\n- support_email: {{support_email}}"
        ),
        f"{PROMPT}.llm": "gemini-2.5-flash",
        f"{PROMPT}.temperature": 0.2,
        f"{AGENT}.first_message": "Good morning, {{company}}",
        f"{AGENT}.language": "en",
        f"{VARIABLES}.company": "ACME",
        f"{VARIABLES}.business_hours": "9-18",
        f"{VARIABLES}.support_email": "help@example.com",
        "conversation_config.tts.voice_id": "21m00Tcm4TlvDq8ikWAM",
        "conversation_config.tts.stability": 0.6,
        "conversation_config.tts.similarity_boost": 0.7,
        "conversation_config.tts.speed": 1.0,
        "conversation_config.conversation.max_duration_seconds": 600,
        "conversation_config.conversation.client_events": list(CLIENT_EVENTS),
        "conversation_config.turn.turn_timeout": 9,
        "platform_settings.call_limits.agent_concurrency_limit": 5,
        f"{PROMPT}.tool_ids": [reference("tool", object_key(tool.name, tool.digest))],
        f"{PROMPT}.knowledge_base": [
            {
                "type": "text",
                "name": f"Opening hours #trunkline:acme/testing/{document_key}",
                "id": reference("document", document_key),
                "usage_mode": "prompt",
            }
        ],
        **builtins,
    }


def test_what_is_unset_is_not_ours(whole_agent: DesiredAgent) -> None:
    bare = DesiredAgent(
        project=whole_agent.project,
        environment=whole_agent.environment,
        name=whole_agent.name,
        digest=whole_agent.digest,
        display_name="Front desk",
    )
    assert leaves(render_agent(bare).body).keys() == {
        "name",
        "tags",
        "conversation_config.conversation.client_events",
    }


def test_context_without_a_prompt_of_ours_leaves_the_prompt_alone(
    whole_agent: DesiredAgent,
) -> None:
    said = leaves(render_agent(whole_agent.model_copy(update={"prompt": None})).body)
    assert f"{PROMPT}.prompt" not in said
    assert f"{VARIABLES}.business_hours" in said


def test_what_has_no_field_is_named(whole_agent: DesiredAgent) -> None:
    assert render_agent(whole_agent).unsupported == ("voice.style", "voice.speakerBoost")


def test_labels_are_nobodys_tags(whole_agent: DesiredAgent) -> None:
    assert "reception" not in str(render_agent(whole_agent).body)


def test_a_key_of_ours_wins_over_the_escape_hatch(whole_agent: DesiredAgent) -> None:
    hatch = {"conversation_config": {"tts": {"speed": 0.7, "model_id": "eleven_turbo_v2"}}}
    said = leaves(render_agent(whole_agent.model_copy(update={"elevenlabs": hatch})).body)
    assert said["conversation_config.tts.speed"] == 1.0
    assert said["conversation_config.tts.model_id"] == "eleven_turbo_v2"


def test_order_and_bookkeeping_do_not_change_the_digest(whole_agent: DesiredAgent) -> None:
    other = whole_agent.model_copy(
        update={
            "context": dict(reversed(whole_agent.context.items())),
            "builtin_tools": tuple(reversed(whole_agent.builtin_tools)),
            "positions": {},
            "labels": {},
        }
    )
    assert render_agent(other).digest == render_agent(whole_agent).digest


@pytest.mark.parametrize(
    "change", [{"environment": "production"}, {"language": "de"}, {"variables": {}}]
)
def test_a_change_of_what_is_sent_changes_the_digest(
    whole_agent: DesiredAgent, change: dict[str, Any]
) -> None:
    other = whole_agent.model_copy(update=change)
    assert render_agent(other).digest != render_agent(whole_agent).digest


def test_every_leaf_knows_where_it_came_from(whole_agent: DesiredAgent) -> None:
    rendering = render_agent(whole_agent)
    assert rendering.provenance.keys() == leaves(rendering.body).keys()


@pytest.mark.parametrize(
    ("refused", "position"),
    [
        ("conversation_config.tts.voice_id", "agents/front-desk/agent.yaml:21:5"),
        ("body.conversation_config.tts.voice_id", "agents/front-desk/agent.yaml:21:5"),
        ("conversation_config.tts.stability", "agents/front-desk/agent.yaml:20:3"),
        (f"{PROMPT}.tool_ids[0]", "agents/front-desk/agent.yaml:30:3"),
        (f"{PROMPT}.built_in_tools.end_call.params", "agents/front-desk/agent.yaml:30:3"),
        ("conversation_config.turn.turn_timeout", "agents/x.yaml:40:9"),
        ("conversation_config.tts", "agents/front-desk/agent.yaml:20:3"),
        ("conversation_config.asr.quality", ""),
        ("", ""),
    ],
)
def test_a_refused_leaf_names_its_line(
    whole_agent: DesiredAgent, refused: str, position: str
) -> None:
    assert manifest_position(render_agent(whole_agent), whole_agent, refused) == position


def test_a_document_carries_its_mark_behind_a_readable_title(whole_agent: DesiredAgent) -> None:
    [document] = whole_agent.documents
    mark = content_mark("acme", "testing", document.name, document.digest)
    body = render_document(document, mark, "9 to 18")
    assert body == {"name": f"Opening hours #trunkline:{mark}", "text": "9 to 18"}
    assert document_mark(str(body["name"])) == mark


def test_a_page_is_named_and_fetched_once() -> None:
    page = DesiredDocument(name="faq", digest=DIGEST, title="FAQ", source="url", url=PAGE)
    mark = content_mark("acme", "testing", page.name, page.digest)
    assert render_page(page, mark) == {"name": f"FAQ #trunkline:{mark}", "url": PAGE}


@pytest.mark.parametrize(
    ("kind", "media_type"), [("pdf", "application/pdf"), ("html", "text/html")]
)
def test_a_file_is_sent_as_it_is_under_the_name_of_its_document(kind: str, media_type: str) -> None:
    menu = DesiredDocument(name="menu", digest=DIGEST, title="Menu", source="file", file_type=kind)
    mark = content_mark("acme", "testing", menu.name, menu.digest)
    form, file = render_upload(menu, mark, b"%PDF-1.7 \xff\r\n")
    assert form == {"name": f"Menu #trunkline:{mark}"}
    assert (file.name, file.filename, file.media_type) == ("file", f"menu.{kind}", media_type)
    assert file.content == b"%PDF-1.7 \xff\r\n"
    assert "PDF-1.7" not in repr(file)


def test_the_defaults_are_those_of_the_vendor() -> None:
    defaults = leaves(RULES.defaults)
    assert defaults["conversation_config.conversation.max_duration_seconds"] == 600
    assert defaults[f"{PROMPT}.built_in_tools.end_call"] is None
    assert defaults["platform_settings.call_limits.agent_concurrency_limit"] == -1
    assert len(defaults) > 250
