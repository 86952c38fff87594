"""A mistake elsewhere never stops a release, and a broken release never stops the rest."""

from collections.abc import Callable, Mapping

import pytest

from trunkline.manifests import Caches, DirectoryTree, check, inspect, load, load_releases
from trunkline.model.errors import InvalidManifests

Write = Callable[[Mapping[str, str]], DirectoryTree]


def release(name: str, version: str = "1") -> str:
    return (
        f"apiVersion: trunkline/v1alpha1\nkind: Release\nmetadata: {{ name: {name} }}\nspec:\n"
        f"  environment: production\n  version: {version}\n  revision: {'a' * 40}\n"
        f"  digest: sha256:{'b' * 64}\n  changes: First\n  promotedBy: ada@example.com\n"
        "  hold: { reason: rolled back, by: trunkline }\n"
    )


def test_an_error_elsewhere_does_not_stop_releases(write: Write) -> None:
    tree = write({"releases/production/desk.yaml": release("desk"), "bad.yaml": "a: [\n"})
    with pytest.raises(InvalidManifests):
        load(tree, caches=Caches())
    found = load_releases(tree, caches=Caches())
    assert list(found.released) == [("production", "desk")]
    assert found.problems == ()
    spec = found.released["production", "desk"].manifest.spec
    assert (spec.version, spec.hold and spec.hold.held_by) == (1, "trunkline")


def test_a_broken_release_does_not_stop_the_rest(write: Write) -> None:
    tree = write({"releases/production/desk.yaml": release("desk", "none")})
    manifests = load(tree, caches=Caches())
    assert set(manifests.agents) == {"desk"}
    assert [str(each) for each in manifests.releases.problems] == [
        'releases/production/desk.yaml:6:12: spec.version: must be a whole number; found "none"'
    ]
    assert check(tree, caches=Caches()) == manifests.releases.problems


def test_one_broken_release_does_not_stop_another(write: Write) -> None:
    files = {
        "releases/production/desk.yaml": release("desk"),
        "releases/production/other.yaml": "a: [\n",
    }
    found = load_releases(write(files), caches=Caches())
    assert list(found.released) == [("production", "desk")]
    assert [each.position.file for each in found.problems] == ["releases/production/other.yaml"]


def test_an_agent_gone_from_the_branch_keeps_running_and_is_warned_about(write: Write) -> None:
    found = inspect(write({"releases/production/gone.yaml": release("gone")}), caches=Caches())
    assert found.problems == ()
    assert [each.position.file for each in found.warnings] == ["releases/production/gone.yaml"]
    assert "agent `gone` is gone from the branch and keeps running" in found.warnings[0].message
