"""Agents are created, found, read, changed and traced over a real connection."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from trunkline.model.desired import DesiredAgent, DesiredModel, DesiredVoice
from trunkline.model.errors import (
    CredentialsRejected,
    OutcomeUnknown,
    PlatformError,
    RateLimited,
    Rejected,
    RemoteMissing,
    Unavailable,
)
from trunkline.model.ids import AgentName, Digest, EnvironmentName, ExternalId, ProjectName

if TYPE_CHECKING:
    from tests.adapters.conftest import Simulated
    from trunkline.adapters.elevenlabs.platform import ElevenLabsPlatform
    from trunkline.model.base import JsonObject

TAG = "trunkline:acme/testing/front-desk"
CREATE = "POST /v1/convai/agents/create"
ONE = "/v1/convai/agents/{agent_id}"
LIST = "GET /v1/convai/agents"
TIMEOUT_S = 60.0


def body(name: str = "Front desk", *tags: str) -> JsonObject:
    prompt: JsonObject = {"prompt": "Be kind.", "llm": "gemini-2.5-flash"}
    return {
        "name": name,
        "tags": [*(tags or (TAG,))],
        "conversation_config": {"agent": {"prompt": prompt, "first_message": "Hello"}},
    }


async def create_many(voice: ElevenLabsPlatform, count: int) -> set[ExternalId]:
    creates = (voice.create_agent(body(f"agent {n}"), timeout_s=TIMEOUT_S) for n in range(count))
    return set(await asyncio.gather(*creates))


def leaf(tree: Any, path: str) -> Any:
    for key in path.split("."):
        tree = tree[key]
    return tree


async def test_a_created_agent_reads_back_without_what_reads_add(simulated: Simulated) -> None:
    voice = await simulated.voice()
    agent_id = await voice.create_agent(body(), timeout_s=TIMEOUT_S)
    observed = await voice.agent(agent_id)
    assert (observed.external_id, observed.name, observed.tags) == (agent_id, "Front desk", (TAG,))
    assert leaf(observed.body, "conversation_config.agent.prompt.prompt") == "Be kind."
    assert "tools" not in leaf(observed.body, "conversation_config.agent.prompt")
    assert "safety" not in leaf(observed.body, "platform_settings")
    assert not {"agent_id", "metadata", "access_info", "version_id"} & observed.body.keys()


async def test_a_rendered_agent_is_accepted_as_it_is(simulated: Simulated) -> None:
    voice = await simulated.voice()
    rendering = voice.render(
        DesiredAgent(
            project=ProjectName("acme"),
            environment=EnvironmentName("testing"),
            name=AgentName("front-desk"),
            digest=Digest("sha256:" + "0" * 64),
            display_name="Front desk",
            prompt="Be kind.",
            model=DesiredModel(name="gemini-2.5-flash", temperature=0.2),
            voice=DesiredVoice(stability=0.6, speed=1.1),
            variables={"company": "ACME"},
            max_duration_s=300,
        )
    )
    agent_id = await voice.create_agent(rendering.body, timeout_s=TIMEOUT_S)
    observed = await voice.agent(agent_id)
    assert TAG in observed.tags
    assert leaf(observed.body, "conversation_config.tts.speed") == 1.1


async def test_a_patch_changes_its_leaves_and_says_who_committed_it(simulated: Simulated) -> None:
    voice = await simulated.voice()
    agent_id = await voice.create_agent(body(), timeout_s=TIMEOUT_S)
    before = await voice.agent(agent_id)
    patch: JsonObject = {"conversation_config": {"agent": {"first_message": "Good day"}}}
    after = await voice.update_agent(
        agent_id, patch, description="Shorter greeting", timeout_s=TIMEOUT_S
    )
    assert leaf(after.body, "conversation_config.agent.first_message") == "Good day"
    assert leaf(after.body, "conversation_config.agent.prompt.prompt") == "Be kind."
    version = await voice.version(agent_id, after.version_id)
    assert version.parent_id == before.version_id != after.version_id
    assert version.description == "Shorter greeting"
    assert version.committed_at_s > 0
    old = await voice.agent(agent_id, version_id=before.version_id)
    assert leaf(old.body, "conversation_config.agent.first_message") == "Hello"


async def test_somebody_elses_version_names_them(simulated: Simulated) -> None:
    voice = await simulated.voice()
    agent_id = await voice.create_agent(body(), timeout_s=TIMEOUT_S)
    change = {"conversation_config": {"agent": {"first_message": "Theirs"}}}
    edit = {"agent_id": agent_id, "body": change, "name": "Jo", "email": "jo@x.org"}
    await simulated.voice_does("edit", edit)
    observed = await voice.agent(agent_id)
    version = await voice.version(agent_id, observed.version_id)
    assert version.author == "Jo <jo@x.org>"


async def test_agents_are_found_by_their_whole_tag_oldest_first(simulated: Simulated) -> None:
    voice = await simulated.voice()
    created = []
    for name in ("b", "a"):
        created.append(await voice.create_agent(body(name), timeout_s=TIMEOUT_S))
        await simulated.voice_does("clock", {"advance_s": 60})
    await voice.create_agent(body("other", f"{TAG}-2"), timeout_s=TIMEOUT_S)
    await voice.create_agent(body("untagged", "theirs"), timeout_s=TIMEOUT_S)
    found = await voice.find_agents(TAG)
    assert [each.external_id for each in found] == created
    assert found[0].created_at_s < found[1].created_at_s
    assert await voice.find_agents("trunkline:acme/testing/nobody") == ()


async def test_an_archived_agent_is_still_found(simulated: Simulated) -> None:
    voice = await simulated.voice()
    agent_id = await voice.create_agent(body(), timeout_s=TIMEOUT_S)
    await voice.update_agent(
        agent_id, {"platform_settings": {"archived": True}}, description="", timeout_s=TIMEOUT_S
    )
    (found,) = await voice.find_agents(TAG)
    assert (found.external_id, found.archived) == (agent_id, True)
    assert [each async for page in voice.agents() for each in page] == [found]


async def test_all_agents_are_listed_over_all_pages(simulated: Simulated) -> None:
    voice = await simulated.voice()
    created = await create_many(voice, 120)
    pages = [page async for page in voice.agents()]
    listed = [each.external_id for page in pages for each in page]
    assert len(pages[0]) == 100
    assert len(listed) == 120
    assert set(listed) == created
    assert len(await voice.find_agents(TAG)) == 120


async def test_a_list_that_lags_does_not_show_what_a_read_does(simulated: Simulated) -> None:
    voice = await simulated.voice()
    await simulated.voice_does("list-lag", {"seconds": 3_000})
    agent_id = await voice.create_agent(body(), timeout_s=TIMEOUT_S)
    assert await voice.find_agents(TAG) == ()
    assert (await voice.agent(agent_id)).tags == (TAG,)
    await simulated.voice_does("clock", {"advance_s": 3_001})
    assert [each.external_id for each in await voice.find_agents(TAG)] == [agent_id]


@pytest.mark.parametrize("kind", ["drop-after", "truncate", "malformed", "status-after"])
async def test_a_create_whose_answer_is_lost_is_in_doubt_and_there(
    kind: str, simulated: Simulated
) -> None:
    voice = await simulated.voice()
    fault = {"kind": kind, "method": "POST", "route": "/v1/convai/agents/create", "nth": 1}
    await simulated.voice_does("faults", {"faults": [fault]})
    with pytest.raises(OutcomeUnknown):
        await voice.create_agent(body(), timeout_s=TIMEOUT_S)
    assert len(await voice.find_agents(TAG)) == 1
    assert await simulated.voice_saw(CREATE) == 1


@pytest.mark.parametrize("kind", ["drop-before", "status-before"])
async def test_a_create_lost_on_the_way_is_in_doubt_and_not_there(
    kind: str, simulated: Simulated
) -> None:
    voice = await simulated.voice()
    fault = {"kind": kind, "method": "POST", "route": "/v1/convai/agents/create", "nth": 1}
    await simulated.voice_does("faults", {"faults": [fault]})
    with pytest.raises(OutcomeUnknown):
        await voice.create_agent(body(), timeout_s=TIMEOUT_S)
    assert await voice.find_agents(TAG) == ()
    assert await voice.create_agent(body(), timeout_s=TIMEOUT_S)


@pytest.mark.parametrize("kind", ["drop-before", "truncate", "malformed", "status-before"])
async def test_a_read_that_is_lost_is_unavailable(kind: str, simulated: Simulated) -> None:
    voice = await simulated.voice()
    await simulated.voice_does("faults", {"faults": [{"kind": kind, "method": "GET", "times": 1}]})
    with pytest.raises(Unavailable):
        await voice.find_agents(TAG)
    assert await simulated.voice_saw(LIST) == 1


async def test_a_listing_broken_on_its_second_page_is_no_listing(simulated: Simulated) -> None:
    voice = await simulated.voice()
    await create_many(voice, 101)
    fault = {"kind": "status-before", "route": "/v1/convai/agents", "method": "GET", "nth": 2}
    await simulated.voice_does("faults", {"faults": [{**fault, "status": 500}]})
    with pytest.raises(Unavailable):
        await voice.find_agents(TAG)


async def test_a_rate_limit_says_when_to_ask_again(simulated: Simulated) -> None:
    voice = await simulated.voice()
    await simulated.voice_does("rate-limit", {"requests_per_second": 0.01})
    asked = await asyncio.gather(*(voice.numbers() for _ in range(5)), return_exceptions=True)
    limited = [each for each in asked if isinstance(each, RateLimited)]
    assert limited
    assert max(each.retry_after_s for each in limited) > 1
    with pytest.raises(RateLimited, match="not sent"):
        await voice.numbers()


async def test_a_wrong_key_is_refused(simulated: Simulated) -> None:
    simulated.environment["ELEVENLABS_API_KEY"] = "wrong-key"
    with pytest.raises(CredentialsRejected) as raised:
        await simulated.voice()
    assert "wrong-key" not in str(raised.value)


async def test_an_agent_that_is_gone_is_missing(simulated: Simulated) -> None:
    voice = await simulated.voice()
    nobody = ExternalId("agent_0000000000000000000000000000")
    for ask in (voice.agent(nobody), voice.version(nobody, "agtvrsn_x")):
        with pytest.raises(RemoteMissing):
            await ask
    with pytest.raises(RemoteMissing):
        await voice.update_agent(nobody, {"name": "x"}, description="d", timeout_s=TIMEOUT_S)


@pytest.mark.parametrize(
    ("patch", "path"),
    [
        (
            {"conversation_config": {"agent": {"prompt": {"temperature": "hot"}}}},
            "conversation_config.agent.prompt.temperature",
        ),
        ({"tags": 7}, "tags"),
    ],
)
async def test_a_refused_leaf_is_named(patch: Any, path: str, simulated: Simulated) -> None:
    voice = await simulated.voice()
    agent_id = await voice.create_agent(body(), timeout_s=TIMEOUT_S)
    with pytest.raises(Rejected) as raised:
        await voice.update_agent(agent_id, patch, description="d", timeout_s=TIMEOUT_S)
    assert raised.value.path == path


async def test_a_refused_create_left_nothing_behind(simulated: Simulated) -> None:
    voice = await simulated.voice()
    wrong = body()
    wrong["conversation_config"] = {"tts": {"voice_id": "no-such-voice"}}
    with pytest.raises(PlatformError) as raised:
        await voice.create_agent(wrong, timeout_s=TIMEOUT_S)
    assert type(raised.value) is Rejected
    assert await voice.find_agents(TAG) == ()
