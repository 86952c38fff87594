"""Which agents and numbers each environment wants, and what it waits for."""

from collections.abc import Callable, Mapping

from trunkline.manifests import Caches, DirectoryTree, load
from trunkline.model.canonical import digest_of_bytes
from trunkline.model.desired import SecretReference
from trunkline.model.ids import Revision
from trunkline.model.resolution import ResolutionCache, Wishlist, records, wishes

Write = Callable[[Mapping[str, str]], DirectoryTree]

HEAD = "apiVersion: trunkline/v1alpha1\n"
RELEASE = f"""\
{HEAD}kind: Release
metadata: {{ name: desk }}
spec:
  environment: production
  version: 1
  revision: {"a" * 40}
  digest: sha256:{"b" * 64}
  changes: First
  promotedBy: ada@example.com
"""


def agent(name: str, spec: str) -> str:
    return f"{HEAD}kind: Agent\nmetadata: {{ name: {name} }}\nspec: {spec}\n"


def wanted(write: Write, files: Mapping[str, str]) -> Wishlist:
    return wishes(load(write(files), caches=Caches()))


def test_drafts_are_wished_for_nowhere_and_inactive_agents_are(write: Write) -> None:
    found = wanted(
        write,
        {
            "a.yaml": agent("sketch", "{ lifecycle: draft }"),
            "b.yaml": agent("asleep", "{ lifecycle: inactive }"),
        },
    )
    assert [(a.environment, a.name, a.lifecycle) for a in found.agents] == [
        ("testing", "asleep", "inactive"),
        ("testing", "desk", "active"),
    ]


def test_an_environment_of_releases_waits_for_its_first_ones(write: Write) -> None:
    waiting = wanted(write, {"b.yaml": agent("asleep", "{ lifecycle: inactive }")}).waiting
    assert [(each.environment, each.name) for each in waiting] == [
        ("production", "asleep"),
        ("production", "desk"),
    ]
    released = wanted(write, {"releases/production/desk.yaml": RELEASE})
    assert [each.name for each in released.waiting] == ["asleep"]
    assert {each.environment for each in released.agents} == {"testing"}


def test_a_number_of_an_agent_that_is_not_active_belongs_to_nobody(write: Write) -> None:
    active = wanted(write, {}).numbers[0]
    assert (active.name, active.agent, active.number) == ("main", "desk", "+15005550006")
    asleep = wanted(write, {"agents/desk/agent.yaml": agent("desk", "{ lifecycle: inactive }")})
    assert asleep.numbers[0].agent is None
    assert asleep.numbers[0].digest == active.digest


def test_a_tool_is_resolved_with_secrets_by_name(write: Write) -> None:
    tool = (
        f"{HEAD}kind: Tool\nmetadata: {{ name: book }}\nspec:\n  type: webhook\n  function: f\n"
        "  description: d\n  url: https://a.example/b\n  timeout: 8s\n"
        "  headers: { Authorization: { secret: TRUNKLINE_SECRET_ACME_KEY }, X-A: b }\n"
    )
    found = wanted(write, {"tools.yaml": tool}).agents[0].tools[0]
    assert (found.method, found.url, found.timeout_s) == ("POST", "https://a.example/b", 8.0)
    assert found.headers == {
        "Authorization": SecretReference(secret="TRUNKLINE_SECRET_ACME_KEY"),
        "X-A": "b",
    }
    assert found.secrets() == ("TRUNKLINE_SECRET_ACME_KEY",)
    assert found.position == "tools.yaml:3:19"


def test_document_texts_are_stored_under_their_digest(write: Write) -> None:
    found = wanted(write, {})
    content = digest_of_bytes(b"Nine to five")
    assert found.contents == {content: b"Nine to five"}
    assert found.agents[0].documents[0].content_digest == content


def test_usage_belongs_to_the_agent_and_not_to_the_document(write: Write) -> None:
    before = wanted(write, {}).agents[0]
    document = (
        f"{HEAD}kind: KnowledgeDocument\nmetadata: {{ name: hours }}\n"
        "spec: { title: Hours, source: { text: Nine to five }, usage: prompt }\n"
    )
    after = wanted(write, {"knowledge.yaml": document}).agents[0]
    assert after.documents[0].digest == before.documents[0].digest
    assert after.digest != before.digest


def test_line_endings_do_not_change_a_wish(write: Write) -> None:
    def wish_digest(prompt: str) -> str:
        found = wanted(write, {"agents/desk/prompt.md": prompt})
        return records(found, Revision("a" * 40))[0].wish_digest

    assert wish_digest("One\r\nTwo\r\n") == wish_digest("One\nTwo")


def test_a_wish_that_only_moved_keeps_its_digest(write: Write) -> None:
    spec = "{ persona: host, tools: [book], knowledge: [hours] }"
    first = records(
        wanted(write, {"agents/desk/agent.yaml": agent("desk", spec)}), Revision("a" * 40)
    )
    moved = records(
        wanted(write, {"agents/desk/agent.yaml": f"# Moved down\n{agent('desk', spec)}"}),
        Revision("b" * 40),
    )
    assert [r.wish_digest for r in moved] == [r.wish_digest for r in first]
    assert moved[0].body != first[0].body
    assert {r.revision for r in moved} == {Revision("b" * 40)}


def test_a_kept_resolution_says_what_a_fresh_one_says(write: Write) -> None:
    kept, caches = ResolutionCache(), Caches()
    for prompt in ("One", "One", "Two", "Three"):
        manifests = load(write({"agents/desk/prompt.md": prompt}), caches=caches)
        revision = Revision("a" * 40)
        assert wishes(manifests, kept=kept) == wishes(manifests)
        remembered = records(wishes(manifests, kept=kept), revision, kept=kept)
        assert remembered == records(wishes(manifests), revision)


def test_a_kept_resolution_is_used_again_only_for_what_did_not_change(write: Write) -> None:
    kept, caches = ResolutionCache(), Caches()
    files = {"a.yaml": agent("other", "{ language: en }")}
    before = wishes(load(write(files), caches=caches), kept=kept)
    files = {**files, "agents/desk/prompt.md": "Changed"}
    after = wishes(load(write(files), caches=caches), kept=kept)
    assert after.agent("testing", "other") is before.agent("testing", "other")
    changed = after.agent("testing", "desk")
    assert changed is not None
    assert changed.prompt == "Changed"
