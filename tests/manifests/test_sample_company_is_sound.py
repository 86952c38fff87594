"""The sample company validates without a warning and has one of everything."""

from trunkline.manifests import Caches, DirectoryTree, inspect, load
from trunkline.manifests.sample import sample_folder
from trunkline.model.kinds import Project
from trunkline.model.manifests import Manifests
from trunkline.model.resolution import wishes


def sample() -> Manifests:
    return load(DirectoryTree(sample_folder()), caches=Caches())


def test_nothing_is_wrong_with_it() -> None:
    found = inspect(DirectoryTree(sample_folder()), caches=Caches())
    assert (found.problems, found.warnings) == ((), ())


def test_it_has_agents_of_every_sort() -> None:
    specs = {name: placed.manifest.spec for name, placed in sample().agents.items()}
    assert len(specs) >= 6
    assert {spec.direction for spec in specs.values()} == {"inbound", "outbound", "both"}
    assert {spec.lifecycle for spec in specs.values()} == {"draft", "active", "inactive"}
    assert any("language_detection" in spec.builtin_names for spec in specs.values())
    assert specs["after-hours"].context.keys() == {"on_call_vet", "minutes_away"}


def test_it_has_enough_of_everything_else() -> None:
    found = sample()
    assert len(found.tools) == 3
    assert len(found.documents) == 3
    assert len(found.personas) == 2
    assert len(found.numbers) == 5
    assert len(found.tests) >= 4
    environments = found.project.manifest.spec.environments
    assert [(each.name, each.source) for each in environments] == [
        ("testing", "head"),
        ("production", "releases"),
    ]


def test_its_numbers_are_test_numbers() -> None:
    for placed in sample().numbers.values():
        assert placed.manifest.spec.number.startswith("+1500555")


def test_its_prompts_are_worth_talking_to() -> None:
    wishlist = wishes(sample())
    assert len(wishlist.agents) == 5
    assert all(len((agent.prompt or "").split()) > 120 for agent in wishlist.agents)


def test_production_waits_for_its_first_releases() -> None:
    waiting = wishes(sample()).waiting
    assert {each.environment for each in waiting} == {"production"}
    assert "front-desk" in {each.name for each in waiting}


def test_its_project_survives_being_stored_as_json() -> None:
    project = sample().project.manifest
    assert Project.model_validate(project.model_dump(mode="json")) == project
