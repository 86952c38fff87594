"""Traits to a voice and its settings, and what the agent says itself wins."""

from collections.abc import Callable, Mapping

import pytest

from trunkline.manifests import Caches, DirectoryTree, load
from trunkline.model.desired import DesiredAgent
from trunkline.model.personas import VOICE_IDS, settings_of, voice_of
from trunkline.model.resolution import wishes

Write = Callable[[Mapping[str, str]], DirectoryTree]


@pytest.mark.parametrize(
    ("temper", "chattiness", "voice"),
    [
        (1.0, 1.0, "bella"),
        (0.67, 0.67, "bella"),
        (0.33, 0.67, "rachel"),
        (0.0, 1.0, "rachel"),
        (0.67, 0.33, "adam"),
        (1.0, 0.0, "adam"),
        (0.33, 0.33, "domi"),
        (0.0, 0.0, "domi"),
        (0.5, 0.5, "ethan"),
        (0.5, 1.0, "ethan"),
        (1.0, 0.5, "ethan"),
        (0.34, 0.67, "ethan"),
        (0.66, 0.67, "ethan"),
        (0.33, 0.34, "ethan"),
    ],
)
def test_traits_choose_the_voice(temper: float, chattiness: float, voice: str) -> None:
    assert voice_of(temper, chattiness) == voice


def test_the_voices_are_the_published_ones() -> None:
    assert VOICE_IDS == {
        "bella": "EXAVITQu4vr4xnSDxMaL",
        "rachel": "21m00Tcm4TlvDq8ikWAM",
        "adam": "pNInz6obpgDQGcFmaJgB",
        "domi": "AZnzlk1XvdvUeBnXmlld",
        "ethan": "g5CIjZEefAph4nQFvHAz",
    }


@pytest.mark.parametrize(
    ("temper", "attachment", "stability", "style"),
    [(0.0, 0.0, 0.5, 0.0), (0.2, 0.6, 0.56, 0.3), (1.0, 1.0, 0.8, 0.5)],
)
def test_traits_set_the_voice(
    temper: float, attachment: float, stability: float, style: float
) -> None:
    found = settings_of(temper, attachment)
    assert (found.stability, found.style) == (stability, style)
    assert (found.similarity_boost, found.speaker_boost) == (0.7, True)


def test_stability_never_exceeds_one() -> None:
    assert settings_of(9.0, 0.0).stability == 1.0


def resolved(write: Write, spec: str, accounts: str = "{}") -> DesiredAgent:
    head = "apiVersion: trunkline/v1alpha1\n"
    files = {
        "trunkline.yaml": f"{head}kind: Project\nmetadata: {{ name: acme }}\nspec:\n"
        f"  accounts: {accounts}\n  environments: [{{ name: testing }}]\n",
        "agents/desk/agent.yaml": f"{head}kind: Agent\nmetadata: {{ name: desk }}\nspec: {spec}\n",
        "personas.yaml": f"{head}kind: Persona\nmetadata: {{ name: host }}\nspec:\n"
        "  traits: { temper: 0.2, chattiness: 0.9, attachment: 0.6 }\n"
        "  conversationPrompt: You speak warmly.\n",
    }
    found = wishes(load(write(files), caches=Caches())).agent("testing", "desk")
    assert found is not None
    return found


def test_a_persona_fills_voice_and_preamble(write: Write) -> None:
    agent = resolved(write, "{ persona: host, prompt: { file: prompt.md } }")
    assert agent.prompt == "You speak warmly.\n\nYou answer the phone."
    assert agent.voice.model_dump() == {
        "id": "21m00Tcm4TlvDq8ikWAM",
        "stability": 0.56,
        "similarityBoost": 0.7,
        "speed": None,
        "style": 0.3,
        "speakerBoost": True,
    }
    assert agent.positions["spec.voice.id"] == "agents/desk/agent.yaml:4:18"


def test_what_the_agent_says_wins(write: Write) -> None:
    voice = resolved(
        write, "{ persona: host, voice: { id: mine, stability: 0, speed: 1.1 } }"
    ).voice
    assert (voice.id, voice.stability, voice.similarity_boost, voice.speed) == ("mine", 0, 0.7, 1.1)


def test_an_account_may_replace_a_voice(write: Write) -> None:
    account = "{ elevenlabs: { apiKey: { env: ELEVENLABS_API_KEY }, voices: { rachel: own } } }"
    assert resolved(write, "{ persona: host }", account).voice.id == "own"


def test_without_a_persona_nothing_is_filled_in(write: Write) -> None:
    agent = resolved(write, "{ voice: { speed: 1.1 } }")
    assert agent.voice.model_dump(exclude_none=True) == {"speed": 1.1}
    assert agent.prompt is None
