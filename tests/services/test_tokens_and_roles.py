"""A token is random, shown once and stored as a hash; each role includes the ones before it."""

import hashlib
import re

import pytest

from trunkline.model.errors import Forbidden
from trunkline.model.records import Role
from trunkline.services.access import Principal, hash_token, new_token

ORDER: tuple[Role, ...] = ("viewer", "operator", "approver", "admin")


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


@pytest.mark.parametrize("have", ORDER)
@pytest.mark.parametrize("need", ORDER)
def test_roles_are_ordered(have: Role, need: Role) -> None:
    principal = Principal("a@example.com", have)
    if ORDER.index(have) >= ORDER.index(need):
        principal.require(need)
    else:
        with pytest.raises(Forbidden, match=need):
            principal.require(need)


def test_a_principal_of_one_project_reaches_only_that() -> None:
    assert Principal("a", "admin").reaches("acme")
    assert Principal("a", "admin", "acme").reaches("acme")
    assert not Principal("a", "admin", "acme").reaches("other")
