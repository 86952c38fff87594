"""A token is random, shown once and stored as a hash; one table says which role may do what."""

import hashlib
import re
from typing import get_args

import pytest

from trunkline.model.errors import Forbidden
from trunkline.model.records import Role
from trunkline.model.roles import ALLOWED, ROLES, Action
from trunkline.services.access import Principal, hash_token, new_token


def test_a_token_is_long_random_and_of_one_shape() -> None:
    secrets = {new_token("a@example.com", "viewer").secret for _ in range(200)}
    assert len(secrets) == 200
    for secret in secrets:
        assert re.fullmatch(r"tl_[0-9A-Za-z]{43}", secret)


def test_the_record_holds_the_hash_and_a_prefix_but_not_the_token() -> None:
    issued = new_token("a@example.com", "admin", project="acme")
    assert issued.record.hash == hashlib.sha256(issued.secret.encode()).hexdigest()
    assert issued.record.hash == hash_token(issued.secret)
    assert issued.secret.startswith(issued.record.prefix)
    assert len(issued.record.prefix) == 9
    assert issued.secret not in issued.record.model_dump_json()


@pytest.mark.parametrize("action", ALLOWED)
@pytest.mark.parametrize("role", ROLES)
def test_the_table_alone_decides(role: Role, action: Action) -> None:
    principal = Principal("a@example.com", role)
    if role in ALLOWED[action]:
        principal.require(action)
    else:
        with pytest.raises(Forbidden, match=f"{action} needs the role .*admin.* has {role}"):
            principal.require(action)


def test_roles_are_duties() -> None:
    may = {role: {action for action in ALLOWED if role in ALLOWED[action]} for role in ROLES}
    assert may["admin"] == set(get_args(Action)) == set(ALLOWED)
    assert may["viewer"] == {"plan.create", "pull-request.plan"}
    assert {"sync.create", "agent.suspend", "plan.apply"} <= may["operator"]
    assert {"plan.apply", "promotion.approve"} <= may["approver"]
    assert "sync.create" not in may["approver"]
    assert "promotion.approve" not in may["operator"]
    assert set(ROLES) == set(get_args(Role))


def test_every_project_is_for_tokens_of_every_project() -> None:
    Principal("a", "admin").require_every_project("This")
    with pytest.raises(Forbidden, match="This needs a token for every project"):
        Principal("a", "admin", "acme").require_every_project("This")


def test_a_principal_of_one_project_reaches_only_that() -> None:
    assert Principal("a", "admin").reaches("acme")
    assert Principal("a", "admin", "acme").reaches("acme")
    assert not Principal("a", "admin", "acme").reaches("other")
