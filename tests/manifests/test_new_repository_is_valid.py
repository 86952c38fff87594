"""What ``init`` writes validates at once, without a warning."""

from pathlib import Path

import pytest

from trunkline.manifests import Caches, DirectoryTree, inspect
from trunkline.manifests.scaffold import new_repository, templates
from trunkline.model.errors import InvalidInput
from trunkline.model.resolution import wishes


@pytest.mark.parametrize("name", ["acme", "007", "1e3", "0x1f", "null", "true"])
def test_a_new_repository_validates_without_a_warning(name: str, tmp_path: Path) -> None:
    files = new_repository(name)
    for path, text in files.items():
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    found = inspect(DirectoryTree(tmp_path), caches=Caches())
    assert (found.problems, found.warnings) == ((), ())
    assert found.manifests is not None
    wishlist = wishes(found.manifests)
    assert [(agent.project, agent.name) for agent in wishlist.agents] == [(name, "front-desk")]
    schemas = {"schema/trunkline.json", "schema/Fragment.json"}
    assert {"README.md", ".gitignore", *schemas} <= files.keys()


@pytest.mark.parametrize("template", templates())
def test_every_template_validates_without_a_warning(template: str, tmp_path: Path) -> None:
    files = new_repository("acme", template)
    for path, text in files.items():
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    found = inspect(DirectoryTree(tmp_path), caches=Caches())
    assert (found.problems, found.warnings) == ((), ())
    assert found.manifests is not None
    assert found.manifests.agents
    assert not any("@" in path or path == "about.txt" for path in files)
    assert "@PROJECT@" not in "".join(files.values())


def test_templates_say_what_they_are() -> None:
    assert set(templates()) == {"bilingual", "front-desk", "minimal", "outbound"}
    assert all(sentence.endswith(".") for sentence in templates().values())


def test_a_template_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(InvalidInput, match="no template 'backdesk'") as refused:
        new_repository("acme", "backdesk")
    assert "front-desk" in refused.value.hint


@pytest.mark.parametrize("name", ["", "Acme", "a b", "a\n", "-a", "a" * 64])
def test_a_name_that_is_no_label_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be a project's name"):
        new_repository(name)
