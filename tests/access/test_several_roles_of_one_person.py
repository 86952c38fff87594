"""Whoever has several roles acts with one, and which one is decided by the project alone."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.model.errors import Forbidden
from trunkline.model.records import Grant, Role, TokenRecord
from trunkline.model.roles import ALLOWED, ROLES
from trunkline.services.access import Principal, principal_for


def person(*grants: Grant) -> Principal:
    record = TokenRecord(
        id="session-1", prefix="", hash="", person="ada", role="viewer", grants=grants
    )
    return principal_for(record)


def grant(text: str) -> Grant:
    role, _, project = text.partition("@")
    return Grant.model_validate({"role": role, "project": project or None})


@pytest.mark.parametrize(
    ("grants", "project", "expected"),
    [
        (["operator@acme"], "acme", "operator"),
        (["operator@acme"], "beta", None),
        (["viewer", "operator@acme"], "acme", "operator"),
        (["viewer", "operator@acme"], "beta", "viewer"),
        (["operator", "viewer@acme"], "acme", "viewer"),
        (["admin", "viewer@acme"], "acme", "admin"),
        (["operator@acme", "approver@acme"], "acme", "operator"),
        (["approver@acme", "viewer@acme"], "acme", "approver"),
        (["viewer@acme", "admin@acme"], "acme", "admin"),
    ],
)
def test_one_role_counts_in_a_project(
    grants: Sequence[str], project: str, expected: Role | None
) -> None:
    found = person(*map(grant, grants)).within(project)
    assert (found.role if found else None) == expected


def test_where_no_project_is_named_a_role_of_one_project_is_no_role_of_all() -> None:
    ada = person(grant("viewer"), grant("admin@acme"))
    assert (ada.role, ada.project) == ("viewer", None)
    with pytest.raises(Forbidden):
        ada.require("project.add")
    assert ada.projects_for("audit.read") == ("acme",)
    boss = person(grant("admin@acme"), grant("operator@beta"))
    boss.require("project.add")
    with pytest.raises(Forbidden, match="for every project"):
        boss.require_every_project("Registering a project")
    assert boss.projects_for("doctor.run") == ("acme", "beta")
    with pytest.raises(Forbidden):
        person(grant("viewer"), grant("approver@acme")).projects_for("audit.read")


grants_of_people = st.lists(
    st.builds(Grant, role=st.sampled_from(list(ROLES)), project=st.sampled_from([None, "a", "b"])),
    min_size=1,
    max_size=6,
)


@given(grants_of_people, st.sampled_from(["a", "b", "c"]))
def test_nobody_has_a_role_nobody_gave(grants: list[Grant], project: str) -> None:
    ada = person(*grants)
    here = ada.within(project)
    there = [one for one in grants if one.project in (None, project)]
    assert (here is None) == (not there) == (not ada.reaches(project))
    if here is not None:
        assert here.role in {one.role for one in there}
        assert here.project in (None, project)
        assert here.within(project) == here
    assert Grant(role=ada.role, project=ada.project) in grants


@given(grants_of_people, st.sampled_from(list(ALLOWED)))
def test_lists_show_the_projects_in_which_one_may(grants: list[Grant], action: str) -> None:
    ada = person(*grants)
    allowed = ALLOWED[action]  # type: ignore[index]
    may = [name for name in "abc" if (here := ada.within(name)) and here.role in allowed]
    try:
        found = ada.projects_for(action)  # type: ignore[arg-type]
    except Forbidden:
        assert not may
    else:
        assert set("abc" if found is None else found) >= set(may)
        assert found is None or set(found) <= set(may)
