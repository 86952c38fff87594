"""Spelling, order and place of manifests do not matter to a digest; meaning does."""

import json
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.manifests import Caches, DirectoryTree, load
from trunkline.manifests.sample import sample_folder
from trunkline.model.base import Json
from trunkline.model.canonical import canonical, digest
from trunkline.model.ids import Digest, Revision
from trunkline.model.resolution import Wishlist, records, wishes

Write = Callable[[Mapping[str, str]], DirectoryTree]

REVISION = Revision("a" * 40)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def shuffled(value: Json, chance: random.Random) -> Json:
    if isinstance(value, dict):
        keys = list(value)
        chance.shuffle(keys)
        return {key: shuffled(value[key], chance) for key in keys}
    if isinstance(value, list):
        return [shuffled(item, chance) for item in value]
    return value


@given(JSON.filter(lambda v: "Infinity" not in json.dumps(v)), st.integers())
def test_key_order_does_not_matter(value: Json, seed: int) -> None:
    again = shuffled(value, random.Random(seed))  # noqa: S311 - a seeded test, not a secret
    assert digest(again) == digest(value)


@given(JSON.filter(lambda v: "Infinity" not in json.dumps(v)))
def test_the_canonical_form_says_the_same(value: Json) -> None:
    assert json.loads(canonical(value)) == value


def test_numbers_count_by_value_and_truth_is_no_number() -> None:
    assert digest(1) == digest(1.0)
    assert digest(0.0) == digest(-0.0)
    assert len({digest(1), digest(True), digest("1"), digest([1]), digest(1.5)}) == 5


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_json_cannot_say_has_no_digest(number: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        digest(number)


def test_the_digest_is_the_sha256_of_the_canonical_text() -> None:
    assert canonical({"b": [1.0, "é"], "a": None}) == '{"a":null,"b":[1,"é"]}'
    assert digest({}) == "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


def wishlist(tree: DirectoryTree) -> Wishlist:
    return wishes(load(tree, caches=Caches()))


def agent_digest(write: Write, spec: str, **files: str) -> Digest:
    head = "apiVersion: trunkline/v1alpha1\nkind: Agent\nmetadata: { name: desk }\n"
    others = {path.replace("_", "."): text for path, text in files.items()}
    tree = write({"agents/desk/agent.yaml": f"{head}spec: {spec}\n", **others})
    found = wishlist(tree).agent("testing", "desk")
    assert found is not None
    return found.digest


def test_order_of_keys_defaults_and_comments_do_not_change_a_closure(write: Write) -> None:
    first = agent_digest(write, "{ language: en, displayName: Desk }")
    assert agent_digest(write, "{ displayName: Desk, language: en } # the same") == first
    assert agent_digest(write, '{ lifecycle: active, displayName: "Desk", language: en }') == first


def test_where_the_prompt_stands_does_not_change_a_closure(write: Write) -> None:
    inline = agent_digest(write, "{ prompt: { text: You answer the phone. } }")
    assert agent_digest(write, "{ prompt: { file: prompt.md } }") == inline


@pytest.mark.parametrize(
    "spec",
    [
        "{ displayName: Other }",
        "{ variables: { a: b } }",
        "{ overrides: { production: { language: de } } }",
        "{ overrides: { production: { lifecycle: active } }, lifecycle: inactive }",
        "{ persona: host }",
        "{ tools: [book] }",
        "{ knowledge: [hours] }",
        "{ prompt: { text: Else } }",
    ],
)
def test_what_an_agent_is_made_of_changes_its_closure(spec: str, write: Write) -> None:
    assert agent_digest(write, spec) != agent_digest(write, "{}")


def test_an_override_that_says_the_default_is_still_an_override(write: Write) -> None:
    inactive = "lifecycle: inactive"
    said = agent_digest(write, f"{{ {inactive}, overrides: {{ production: {{}} }} }}")
    again = "{ overrides: { production: { lifecycle: active } }, lifecycle: inactive }"
    assert agent_digest(write, again) != said


@pytest.mark.parametrize(
    "changed",
    [
        ("tools_yaml", "description: Books", "description: Reserves"),
        ("knowledge_yaml", "Nine to five", "Nine to six"),
        ("knowledge_yaml", "title: Hours", "title: Opening"),
        ("personas_yaml", "temper: 0.2", "temper: 0.3"),
    ],
    ids=["tool", "document text", "document title", "persona"],
)
def test_what_an_agent_refers_to_changes_its_closure(
    changed: tuple[str, str, str], write: Write, tmp_path: Path
) -> None:
    spec = "{ persona: host, tools: [book], knowledge: [hours] }"
    before = agent_digest(write, spec)
    file, old, new = changed
    text = (tmp_path / file.replace("_", ".")).read_text()
    assert old in text
    assert agent_digest(write, spec, **{file: text.replace(old, new)}) != before


def test_digests_are_the_same_in_every_environment(write: Write) -> None:
    project = dedent("""\
        apiVersion: trunkline/v1alpha1
        kind: Project
        metadata: { name: acme }
        spec: { environments: [{ name: testing }, { name: staging }] }
        """)
    agent = dedent("""\
        apiVersion: trunkline/v1alpha1
        kind: Agent
        metadata: { name: desk }
        spec:
          language: en
          tools: [book]
          overrides: { staging: { language: de } }
        """)
    found = wishlist(write({"trunkline.yaml": project, "agents/desk/agent.yaml": agent}))
    assert [(a.environment, a.language) for a in found.agents] == [
        ("staging", "de"),
        ("testing", "en"),
    ]
    assert len({a.digest for a in found.agents}) == 1
    assert len({a.tools[0].digest for a in found.agents}) == 1


def test_files_renamed_and_joined_give_the_same_wishes(tmp_path: Path) -> None:
    folder = sample_folder()
    source = DirectoryTree(folder)
    for path in source.paths():
        if path.endswith(".yaml") and path.startswith(("tools/", "personas/", "numbers/")):
            with (tmp_path / "aaa.yaml").open("a") as joined:
                joined.write((folder / path).read_text() + "\n---\n")
        else:
            target = tmp_path / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((folder / path).read_bytes())
    before = records(wishlist(source), REVISION)
    after = records(wishlist(DirectoryTree(tmp_path)), REVISION)
    assert [(r.kind, r.environment, r.name, r.wish_digest) for r in after] == [
        (r.kind, r.environment, r.name, r.wish_digest) for r in before
    ]
