"""Lists page to the end, filter by any of several tags, search, sort, and refuse wrong pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.simulators.conftest import World

AGENTS = "/v1/convai/agents"
NO_RETRY: Any = {"max_retries": 0}


def test_pages_reach_every_agent_once_newest_first(world: World) -> None:
    created = [world.new_agent(f"agent {position}") for position in range(65)]
    seen: list[str] = []
    cursor: str | None = None
    pages = 0
    while True:
        page = world.elevenlabs.conversational_ai.agents.list(
            cursor=cursor, request_options=NO_RETRY
        )
        seen.extend(agent.agent_id for agent in page.agents)
        pages += 1
        if not page.has_more:
            break
        cursor = page.next_cursor
    assert seen == list(reversed(created))
    assert pages == 3


def test_an_agent_created_between_two_pages_shifts_nothing(world: World) -> None:
    created = [world.new_agent(f"agent {position}") for position in range(4)]
    first = world.call("GET", AGENTS, params={"page_size": 2}).json()
    world.new_agent("late")
    second = world.call(
        "GET", AGENTS, params={"page_size": 2, "cursor": first["next_cursor"]}
    ).json()
    ids = [row["agent_id"] for row in first["agents"] + second["agents"]]
    assert ids == list(reversed(created))
    assert second["has_more"] is False
    assert second["next_cursor"] is None


def test_tags_filter_by_any_of_them_and_follow_a_change(world: World) -> None:
    both = world.new_agent("both", tags=["red", "blue"])
    world.new_agent("red", tags=["red"])
    world.new_agent("green", tags=["green"])
    assert sorted(world.listed_names(tags="red")) == ["both", "red"]
    assert sorted(world.listed_names(tags=["blue", "green"])) == ["both", "green"]
    world.patch_agent(both, {"tags": ["green"]})
    assert world.listed_names(tags="red") == ["red"]
    assert world.listed_names(tags="none") == []


def test_search_sort_and_archived(world: World) -> None:
    for name in ("Beta desk", "alpha desk", "Gamma line"):
        world.new_agent(name)
    world.new_agent("old desk", platform_settings={"archived": True})
    assert sorted(world.listed_names(search="DESK")) == ["Beta desk", "alpha desk"]
    by_name = world.listed_names(sort_by="name", sort_direction="asc")
    assert by_name == ["alpha desk", "Beta desk", "Gamma line"]
    assert world.listed_names(archived="true") == ["old desk"]


@pytest.mark.parametrize("size", [0, 101, "many"])
def test_a_page_size_out_of_bounds_is_unprocessable(world: World, size: object) -> None:
    response = world.call("GET", AGENTS, params={"page_size": str(size)})
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["query", "page_size"]


@pytest.mark.parametrize("cursor", ["nonsense", "bnVsbA==", "WzEsMl0="])
def test_a_foreign_cursor_is_refused(world: World, cursor: str) -> None:
    response = world.call("GET", AGENTS, params={"cursor": cursor})
    assert response.status_code == 400
    assert response.json()["detail"]["param"] == "cursor"
