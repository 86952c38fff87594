"""Rules of deletion that hold whatever the world looks like, over generated environments."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline.model.ids import Digest, Revision
from trunkline.model.interventions import Intervention
from trunkline.model.ledger import LedgerKind, Tombstone
from trunkline.model.pruning import (
    KINDS,
    Census,
    Deletion,
    Facts,
    Gone,
    PruneRules,
    View,
    next_look_at,
    outlook,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
REMOVED = Revision("a" * 40)
EARLIER = Revision("b" * 40)
WISH = Digest("sha256:" + "0" * 64)
NAMES = [f"agent-{index}" for index in range(8)]

RULES = st.fixed_dictionaries(
    {
        "enabled": st.booleans() | st.just(True),
        "max_count": st.none() | st.integers(0, 8),
        "max_percent": st.none() | st.integers(1, 100),
        "delay_s": st.sampled_from([0.0, 3600.0]),
        "follows_head": st.just(True) | st.booleans(),
    }
).map(PruneRules.model_validate)
TOMBSTONES = st.none() | st.fixed_dictionaries(
    {
        "since_at": st.integers(0, 7200).map(lambda s: NOW - timedelta(seconds=s)),
        "revision": st.sampled_from([REMOVED, REMOVED, REMOVED, EARLIER]),
    }
).map(Tombstone.model_validate)
FACTS = st.fixed_dictionaries(
    {
        "ours": st.just(True) | st.booleans(),
        "lost": st.sampled_from(["", "", "", "it is not there"]),
        "protected": st.sampled_from([False, False, False, True]),
        "uses": st.sampled_from([(), (), (), ("it has a call",)]),
    }
).map(Facts.model_validate)


def gone(kind: LedgerKind, name: str, **known: object) -> Gone:
    """A row whose wish was removed, marked two hours ago."""
    told = {
        "kind": kind,
        "name": name,
        "account": "account",
        "external_id": f"id-of-{name}",
        "nonce": "nonce",
        "removed_at": REMOVED,
        "wish_digest": WISH,
        "tombstone": Tombstone(since_at=NOW - timedelta(hours=2), revision=REMOVED),
        **known,
    }
    return Gone.model_validate(told)


def protection(name: str) -> Intervention:
    """A person protects an agent."""
    return Intervention(
        project="acme",
        environment="testing",
        kind="agent",
        name=name,
        verb="protect",
        reason="the main line",
        by="ada",
        at=NOW,
    )


PAUSE = Intervention(
    project="acme", environment="", verb="prune-paused", reason="new", by="trunkline", at=NOW
)


@st.composite
def views(draw: st.DrawFn) -> View:
    """Environments in any state, mostly ones in which something could be deleted."""
    names = draw(st.sets(st.sampled_from(NAMES), max_size=8))
    rows = [
        gone(
            draw(st.sampled_from(KINDS)),
            name,
            tombstone=draw(TOMBSTONES),
            moved_to=draw(st.sampled_from([None, None, None, "another"])),
        )
        for name in sorted(names)
    ]
    keys = [row.key for row in rows]
    known = [key for key in keys if draw(st.sampled_from([True, True, True, False]))]
    permitted = [row for row in rows if draw(st.sampled_from([False, False, False, True]))]
    protected = draw(st.sets(st.sampled_from(NAMES), max_size=2))
    more = draw(st.integers(0, 12))
    return View(
        environment="testing",
        now=NOW,
        rules=draw(RULES),
        doubt=draw(st.sampled_from(["", "", "", "the last look at Git failed"])),
        gone=tuple(rows),
        census={
            kind: Census(managed=len(rows) + more, wished=draw(st.sampled_from([more, more, 0])))
            for kind in KINDS
        },
        deletions=draw(deletions()),
        interventions=(
            *map(protection, sorted(protected)),
            *draw(st.sampled_from([(), (), (), (PAUSE,)])),
        ),
        permits=frozenset((row.kind, row.name, row.external_id) for row in permitted),
        facts={key: draw(FACTS) for key in known},
    )


def deletions() -> st.SearchStrategy[tuple[Deletion, ...]]:
    """Some that count and some that are older than a day."""
    one = st.fixed_dictionaries(
        {
            "account": st.just("account"),
            "project": st.just("acme"),
            "environment": st.just("testing"),
            "kind": st.sampled_from(KINDS),
            "name": st.just("former"),
            "external_id": st.integers(0, 99).map(lambda n: f"former-{n}"),
            "permitted": st.booleans(),
            "intended_at": st.integers(0, 48).map(lambda h: NOW - timedelta(hours=h)),
            "deleted_at": st.just(NOW),
        }
    ).map(Deletion.model_validate)
    return st.lists(one, max_size=4, unique_by=lambda d: d.external_id).map(tuple)


def of_today(view: View, kind: str) -> set[str]:
    """Ids whose deletion of the last day counts against the budget."""
    since = NOW - timedelta(days=1)
    return {
        deletion.external_id
        for deletion in view.deletions
        if deletion.kind == kind and not deletion.permitted and deletion.intended_at > since
    }


@settings(max_examples=60, deadline=None)
@given(views())
def test_deletions_of_a_day_never_exceed_the_budget(view: View) -> None:
    decided = outlook(view)
    for kind in KINDS:
        going = {d.external_id for d in decided.all("delete") if d.kind == kind and not d.permitted}
        if going:
            assert len(going | of_today(view, kind)) <= decided.budget(kind).allowed


@settings(max_examples=60, deadline=None)
@given(views())
def test_an_exceeded_budget_deletes_nothing_rather_than_a_part(view: View) -> None:
    decided = outlook(view)
    for kind in KINDS:
        stopped = [d for d in decided.over_budget if d.kind == kind]
        if stopped:
            going = [d for d in decided.all("delete", "look") if d.kind == kind]
            assert all(decision.permitted for decision in going)


@settings(max_examples=60, deadline=None)
@given(views())
def test_nothing_goes_that_was_not_verified_or_that_anything_speaks_for(view: View) -> None:
    rows = {row.key: row for row in view.gone}
    shields = {one.name for one in view.interventions if one.verb == "protect"}
    for decision in outlook(view).all("delete"):
        row = rows[decision.kind, decision.name]
        facts = view.facts[row.key]
        assert facts.ours
        assert not facts.lost
        assert not facts.protected
        assert not facts.uses
        assert row.moved_to is None
        assert not (row.kind == "agent" and row.name in shields)
        assert view.rules.enabled
        assert not view.doubt
        assert PAUSE not in view.interventions
        assert decision.permitted or (
            row.buried_at is not None
            and row.buried_at + timedelta(seconds=view.rules.delay_s) <= NOW
        )


@settings(max_examples=60, deadline=None)
@given(views(), st.data())
def test_one_more_reason_to_keep_never_lets_more_go(view: View, data: st.DataObject) -> None:
    before = {(d.kind, d.name) for d in outlook(view).all("delete", "look")}
    restrained = data.draw(
        st.sampled_from(
            [
                replace(view, doubt="the last look at Git failed"),
                replace(view, interventions=(*view.interventions, PAUSE)),
                replace(view, facts={}),
                replace(view, permits=frozenset()),
                replace(view, rules=view.rules.model_copy(update={"max_count": 0})),
                replace(view, rules=view.rules.model_copy(update={"delay_s": 1e6})),
                replace(view, gone=(*view.gone, gone("agent", "one-more"))),
            ]
        )
    )
    after = {(d.kind, d.name) for d in outlook(restrained).all("delete")}
    assert after - {("agent", "one-more")} <= before


@settings(max_examples=60, deadline=None)
@given(views())
def test_the_last_agent_never_goes_by_itself(view: View) -> None:
    if view.census["agent"].wished == 0:
        going = [d for d in outlook(view).all("delete") if d.kind == "agent"]
        assert all(decision.permitted for decision in going)


@settings(max_examples=60, deadline=None)
@given(views())
def test_whatever_waits_for_time_has_a_time(view: View) -> None:
    decided = outlook(view)
    pending = [d for d in decided.all("wait") if d.due_at is not None and d.due_at > NOW]
    found = next_look_at(view, decided)
    assert not pending or (found is not None and found <= min(d.due_at or NOW for d in pending))


@settings(max_examples=30)
@given(st.integers(1, 100), st.integers(1, 500))
def test_a_share_is_rounded_up_so_that_one_deletion_is_always_possible(
    percent: int, managed: int
) -> None:
    allowed = PruneRules(enabled=True, max_percent=percent).allowed(managed)
    assert 1 <= allowed <= managed
    assert allowed >= managed * percent / 100


def test_small_deletions_in_a_row_are_one_large_one() -> None:
    rules = PruneRules(enabled=True, max_count=3)
    census = {"agent": Census(managed=20, wished=19)}
    done: list[Deletion] = []
    for index in range(6):
        row = gone("agent", f"agent-{index}")
        view = View(
            environment="testing",
            now=NOW,
            rules=rules,
            gone=(row,),
            census=census,
            deletions=tuple(done),
            facts={row.key: Facts()},
        )
        if outlook(view).decisions[0].verdict == "delete":
            done.append(
                Deletion(
                    account="account",
                    project="acme",
                    environment="testing",
                    kind="agent",
                    name=row.name,
                    external_id=row.external_id,
                    intended_at=NOW,
                    deleted_at=NOW,
                )
            )
    assert [deletion.name for deletion in done] == ["agent-0", "agent-1", "agent-2"]


def test_the_blast_radius_is_said_by_name() -> None:
    rows = tuple(gone("agent", f"agent-{index}") for index in range(7))
    view = View(
        environment="testing",
        now=NOW,
        rules=PruneRules(enabled=True, max_count=5),
        gone=rows,
        census={"agent": Census(managed=20, wished=13)},
    )
    decided = outlook(view)
    assert decided.budget("agent").words() == (
        "destroy 7 of 20 agents: over the budget of 5: agent-0, agent-1, agent-2, agent-3, "
        "agent-4, agent-5, agent-6"
    )
    assert {decision.verdict for decision in decided.decisions} == {"stop"}
