"""No commit weakens the rules and is promoted by them; stricter rules count at once."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.promotions.situations import PUBLIC_KEY, SOURCE, rules
from trunkline.model.kinds.project import Person, Project, Promotion
from trunkline.model.promotions.policies import (
    CHECKS,
    PromotionRules,
    in_force,
    rules_of,
    spelt,
    weakened,
)

OTHER_KEY = "ed25519:PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw="
PEM = (
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
    "-----END PUBLIC KEY-----\n"
)
WEEKDAYS = {"allow": "Mon-Fri 09:00-17:00", "timezone": "Europe/London"}
FROZEN = {"deny": "Fri 12:00-24:00", "timezone": "Europe/London"}
VERIFY = {"tags": ["smoke"], "rollback": True}
STEPS = {"steps": [10, 50], "every": "10m"}
RETEST = {"every": "24h", "tags": ["smoke"], "runs": 5}

WEAKER: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({}, {"from": "canary"}, "from canary instead of testing"),
    ({"via": "pull-request"}, {}, "via commit"),
    ({}, {"automatic": True}, "automatic"),
    ({}, {"tests": {"required": False}}, "tests are not required"),
    ({"tests": {"manual": 2}}, {"tests": {"manual": 1}}, "1 manual results instead of 2"),
    ({"approvals": {"count": 2}}, {}, "1 approvals instead of 2"),
    ({}, {"approvals": {"count": 0}}, "0 approvals instead of 1"),
    ({}, {"approvals": {"roles": ["approver", "admin"]}}, "approvals by admin"),
    ({}, {"approvals": {"roles": ["admin"]}}, "approvals by admin"),
    ({}, {"approvals": {"notAuthor": False}}, "approvals by authors"),
    ({"soak": "30m"}, {"soak": "29m"}, "soak 29m instead of 30m"),
    ({"windows": [WEEKDAYS]}, {"windows": []}, "open at other times"),
    (
        {"windows": [WEEKDAYS]},
        {"windows": [{**WEEKDAYS, "allow": "Mon-Fri 09:00-17:01"}]},
        "open at other times",
    ),
    (
        {"windows": [WEEKDAYS]},
        {"windows": [{**WEEKDAYS, "timezone": "UTC"}]},
        "open at other times",
    ),
    (
        {"windows": [WEEKDAYS]},
        {"windows": [WEEKDAYS, {**WEEKDAYS, "allow": "Sat 09:00-10:00"}]},
        "open at other times",
    ),
    ({"windows": [WEEKDAYS]}, {"windows": [FROZEN]}, "open at other times"),
    ({"windows": [WEEKDAYS, FROZEN]}, {"windows": [WEEKDAYS]}, "closed at fewer times"),
    ({"windows": [FROZEN]}, {"windows": [WEEKDAYS]}, "closed at fewer times"),
    (
        {"windows": [FROZEN]},
        {"windows": [{**FROZEN, "deny": "Fri 12:01-24:00"}]},
        "closed at fewer times",
    ),
    ({"rollout": STEPS}, {}, "no rollout by steps"),
    ({"rollout": STEPS}, {"rollout": {"steps": []}}, "no rollout by steps"),
    ({"rollout": STEPS}, {"rollout": {**STEPS, "steps": [10]}}, "1 steps of rollout instead of 2"),
    ({"rollout": STEPS}, {"rollout": {**STEPS, "steps": [10, 51]}}, "larger steps"),
    ({"rollout": STEPS}, {"rollout": {**STEPS, "every": "9m"}}, "steps of 9m instead of 10m"),
    ({"verify": VERIFY}, {}, "no verification"),
    ({"verify": VERIFY}, {"verify": {**VERIFY, "rollback": False}}, "no rollback"),
    ({"verify": VERIFY}, {"verify": {**VERIFY, "tags": ["fast"]}}, "verification by tests fast"),
    ({}, {"evidence": {"expires": "25h"}}, "evidence lasts 25h instead of 24h"),
    ({"retest": RETEST}, {}, "no retests"),
    ({"retest": RETEST}, {"retest": {**RETEST, "every": "48h"}}, "retests every 48h"),
    ({"retest": RETEST}, {"retest": {**RETEST, "tags": ["fast"]}}, "retests by tests fast"),
]
NOT_WEAKER: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({}, {"via": "pull-request"}),
    ({"automatic": True}, {}),
    ({"tests": {"required": False}}, {}),
    ({}, {"tests": {"manual": 1}}),
    ({}, {"approvals": {"count": 3}}),
    ({"approvals": {"roles": ["approver", "admin"]}}, {}),
    ({"approvals": {"notAuthor": False}}, {}),
    ({"soak": "30m"}, {"soak": "1h"}),
    ({}, {"windows": [WEEKDAYS]}),
    ({"windows": [WEEKDAYS]}, {"windows": [WEEKDAYS, FROZEN]}),
    ({"windows": [WEEKDAYS]}, {"windows": [{**WEEKDAYS, "allow": "Mon-Fri 10:00-16:00"}]}),
    (
        {"windows": [{**WEEKDAYS, "allow": "Mon-Fri 22:00-02:00"}]},
        {"windows": [{**WEEKDAYS, "allow": "Sat 00:00-02:00"}]},
    ),
    (
        {"windows": [{**WEEKDAYS, "allow": "Sun 22:00-02:00"}]},
        {"windows": [{**WEEKDAYS, "allow": "Mon 00:00-02:00"}]},
    ),
    ({"windows": [FROZEN]}, {"windows": [{**FROZEN, "deny": "Fri-Sat 00:00-24:00"}]}),
    (
        {"windows": [WEEKDAYS]},
        {"windows": [{**WEEKDAYS, "allow": "Mon,Tue,Wed,Thu,Fri 09:00-17:00"}]},
    ),
    ({}, {"rollout": STEPS}),
    ({"rollout": STEPS}, {"rollout": {"steps": [5, 10, 50], "every": "10m"}}),
    ({"rollout": STEPS}, {"rollout": {"steps": [10, 50, 90], "every": "1h"}}),
    ({"rollout": {"steps": [], "every": "10m"}}, {}),
    ({}, {"verify": VERIFY}),
    ({"verify": {**VERIFY, "tags": ["a", "b"]}}, {"verify": {**VERIFY, "tags": ["b", "a"]}}),
    ({}, {"evidence": {"expires": "1h"}}),
    ({}, {"retest": RETEST}),
]


@pytest.mark.parametrize(("former", "new", "words"), WEAKER)
def test_a_weaker_rule_is_named_and_the_former_rules_stay_whole(
    former: dict[str, Any], new: dict[str, Any], words: str
) -> None:
    was, now = rules(**former), rules(**new).model_copy(update={"revision": "b" * 40})
    found = weakened(was, now)
    assert any(words in each for each in found), found
    held = in_force(was, now)
    assert held is not None
    assert held.pending.startswith("bbbbbbbbbb weakens the rules: ")
    assert held.model_copy(update={"pending": ""}) == was


@pytest.mark.parametrize(("former", "new"), NOT_WEAKER)
def test_a_stricter_or_equal_rule_counts_at_once(
    former: dict[str, Any], new: dict[str, Any]
) -> None:
    was, now = rules(**former), rules(**new)
    assert weakened(was, now) == ()
    assert in_force(was.model_copy(update={"pending": "something"}), now) == now


def test_one_weaker_rule_keeps_stricter_ones_of_the_same_commit_out() -> None:
    held = in_force(rules(), rules(soak="1s", approvals={"count": 9}))
    assert held is not None
    assert held.promotion.approvals.count == 1


def test_the_first_rules_count_and_rules_that_are_gone_hold() -> None:
    assert in_force(None, rules()) == rules()
    assert in_force(None, None) is None
    held = in_force(rules(), None, revision="b" * 40)
    assert held is not None
    assert held.pending == "bbbbbbbbbb weakens the rules: nothing is promoted there any more"


def test_every_rule_of_a_promotion_is_compared() -> None:
    assert set(CHECKS) == set(Promotion.model_fields)


@pytest.mark.parametrize(
    "people",
    [
        [{"name": "ada", "emails": ["ada@example.com"]}],
        [{"name": "ada", "emails": ["ada@example.com", "bob@example.com"]}],
        [
            {"name": "ada", "emails": ["ada@example.com"]},
            {"name": "bob", "emails": ["bob@example.com"]},
            {"name": "eve", "emails": ["eve@example.com"]},
        ],
        [
            {"name": "ada", "emails": ["ada@example.com"]},
            {"name": "robert", "emails": ["bob@example.com"]},
        ],
        [
            {"name": "ada", "emails": ["bob@example.com"]},
            {"name": "bob", "emails": ["ada@example.com"]},
        ],
        [],
    ],
)
def test_any_change_of_who_people_are_is_weaker(people: list[dict[str, Any]]) -> None:
    was = with_people(("ada", "ada@example.com"), ("bob", "bob@example.com"))
    now = was.model_copy(update={"people": tuple(Person.model_validate(each) for each in people)})
    assert weakened(was, now)[0].startswith("people: ")


def test_the_same_people_in_another_order_and_case_are_the_same() -> None:
    was = with_people(("ada", "ada@example.com"), ("bob", "bob@example.com"))
    now = with_people(("bob", "BOB@example.com"), ("ada", "ada@example.com"))
    assert weakened(was, now) == ()


@pytest.mark.parametrize(
    ("former", "new", "weaker"),
    [
        ((PUBLIC_KEY,), (PUBLIC_KEY, OTHER_KEY), True),
        ((PUBLIC_KEY,), (OTHER_KEY,), True),
        ((), (PUBLIC_KEY,), True),
        ((PUBLIC_KEY, OTHER_KEY), (PUBLIC_KEY,), False),
        ((PUBLIC_KEY,), (), False),
        ((PUBLIC_KEY,), (PEM,), False),
        ((PUBLIC_KEY,), (f" {PUBLIC_KEY} ",), False),
        (("no key",), ("no key", "nor this"), True),
    ],
)
def test_a_new_public_key_is_weaker_and_one_less_is_not(
    former: tuple[str, ...], new: tuple[str, ...], *, weaker: bool
) -> None:
    was, now = (rules().model_copy(update={"public_keys": keys}) for keys in (former, new))
    assert bool(weakened(was, now)) == weaker


def test_a_key_has_one_spelling() -> None:
    assert spelt(PEM) == spelt(f"{PUBLIC_KEY}\n") == PUBLIC_KEY


PROMOTIONS = st.fixed_dictionaries(
    {"from": st.sampled_from(["testing", "canary"])},
    optional={
        "automatic": st.booleans(),
        "approvals": st.fixed_dictionaries({"count": st.integers(0, 3)}),
        "soak": st.sampled_from(["0s", "10m", "1h"]),
        "windows": st.lists(st.sampled_from([WEEKDAYS, FROZEN]), max_size=2),
        "rollout": st.fixed_dictionaries({"steps": st.sampled_from([[], [10], [10, 50], [50]])}),
        "verify": st.sampled_from([VERIFY, {**VERIFY, "rollback": False}]),
    },
)


@given(PROMOTIONS, PROMOTIONS, PROMOTIONS)
def test_rules_only_become_stricter_by_themselves(
    first: dict[str, Any], second: dict[str, Any], third: dict[str, Any]
) -> None:
    start = rules(**first)
    counts: PromotionRules | None = start
    for each in (second, third):
        counts = in_force(counts, rules(**each))
    assert counts is not None
    assert weakened(start, counts) == ()
    assert weakened(counts, counts) == ()
    both = weakened(rules(**second), rules(**third)) + weakened(rules(**third), rules(**second))
    assert both or rules(**second).promotion.soak == rules(**third).promotion.soak


def test_rules_are_read_from_the_manifest() -> None:
    project = Project.model_validate(
        {
            "apiVersion": "trunkline/v1alpha1",
            "kind": "Project",
            "metadata": {"name": "acme"},
            "spec": {
                "people": [{"name": "ada", "emails": ["ada@example.com"]}],
                "signing": {"publicKeys": [PUBLIC_KEY]},
                "environments": [
                    {"name": "testing"},
                    {"name": "bare", "source": "releases"},
                    {"name": "production", "source": "releases", "promotion": {"from": "testing"}},
                ],
            },
        }
    )
    found = rules_of(project, "production", SOURCE)
    assert found is not None
    assert (found.promotion.from_environment, found.revision) == ("testing", SOURCE)
    assert [person.name for person in found.people] == ["ada"]
    assert found.public_keys == (PUBLIC_KEY,)
    assert rules_of(project, "testing", SOURCE) is None
    assert rules_of(project, "bare", SOURCE) is None
    assert rules_of(project, "nowhere", SOURCE) is None


def with_people(*people: tuple[str, str]) -> PromotionRules:
    """Rules that know these people."""
    listed = tuple(Person(name=name, emails=(email,)) for name, email in people)
    return rules().model_copy(update={"people": listed})
