"""Groups, e-mails and domains become roles as the settings say, and nobody has one by accident."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from trunkline.model.records import Grant
from trunkline.model.sign_in import Identity, SignInRules, named_groups, verified_email

ADA = Identity(subject="1", email="ada@example.com", groups=("voice-admins", "acme-ops"))


def rules(**said: Any) -> SignInRules:
    return SignInRules.model_validate_json(json.dumps(said))


def test_every_source_adds_its_roles_once() -> None:
    found = rules(
        groups={"acme-ops": "operator@acme", "others": "admin"},
        emails={"Ada@Example.com": ["approver@beta", "operator@acme"]},
        domains={"example.com": "viewer"},
        default="",
    ).grants(ADA)
    assert found == (
        Grant(role="operator", project="acme"),
        Grant(role="approver", project="beta"),
        Grant(role="viewer"),
    )


def test_whoever_is_named_nowhere_has_nothing() -> None:
    assert (
        rules(groups={"Voice-Admins": "admin"}, domains={"evil-example.com": "admin"}).grants(ADA)
        == ()
    )
    assert rules(default="viewer@acme").grants(ADA) == (Grant(role="viewer", project="acme"),)


@pytest.mark.parametrize(
    "said",
    [
        {"groups": {"a": "root"}},
        {"groups": {"a": "admin@"}},
        {"groups": {"a": "admin@Acme"}},
        {"groups": {"a": ["admin", 3]}},
        {"group": {"a": "admin"}},
        {"default": "everything"},
        {"groups": {str(n): "viewer" for n in range(1_001)}},
    ],
)
def test_a_rule_that_means_nothing_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        rules(**said)


@pytest.mark.parametrize(
    ("claims", "trusted", "expected"),
    [
        ({"email": "A@Example.com", "email_verified": True}, False, "a@example.com"),
        ({"email": "a@example.com", "email_verified": "true"}, False, "a@example.com"),
        ({"email": "a@example.com", "email_verified": False}, True, None),
        ({"email": "a@example.com", "email_verified": "false"}, True, None),
        ({"email": "a@example.com", "email_verified": 1}, False, None),
        ({"email": "a@example.com"}, False, None),
        ({"email": "a@example.com"}, True, "a@example.com"),
        ({"email": "a@example.com\nadmin@example.com", "email_verified": True}, True, None),
        ({"email": ["a@example.com"], "email_verified": True}, True, None),
        ({"email_verified": True}, True, None),
    ],
)
def test_an_e_mail_counts_if_somebody_verified_it(
    claims: dict[str, Any], trusted: bool, expected: str | None
) -> None:
    assert verified_email(claims, trusted=trusted) == expected


def test_groups_are_names_or_nothing() -> None:
    assert named_groups(["a", "b", "a", 3, None, ""]) == ("a", "b")
    assert named_groups("a") == ("a",)
    assert named_groups(None) == named_groups({"a": "b"}) == ()
    assert len(named_groups([str(n) for n in range(5_000)])) == 2_000
