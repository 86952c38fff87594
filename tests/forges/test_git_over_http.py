"""The stand-in's Git side: plain Git clones, pushes and fetches what pull requests propose."""

from __future__ import annotations

from pathlib import Path

from tests.forges.conftest import Place, Receiver, StandIn, Worktree, delivered, furnished, start
from tests.held_ports import held_port


def work_of(place: Place, folder: Path, login: str = "ada") -> Worktree:
    """Somebody's clone."""
    return Worktree(folder / login, place.clone_url, login, place.tokens[login]).clone()


def test_a_push_moves_the_pull_request(place: Place, tmp_path: Path, receiver: Receiver) -> None:
    work = work_of(place, tmp_path)
    first = work.commit("a.txt", "one", "feature/greeting")
    work.git("push", "--quiet", "origin", "feature/greeting")
    forge = place.forge
    number = forge.control(
        "pull-requests", repository=place.name, by="ada", head="feature/greeting"
    )["number"]
    forge.control("webhooks", repository=place.name, url=receiver.url, secret=receiver.secret)
    second = work.commit("a.txt", "two", "feature/greeting")
    work.git("push", "--quiet", "origin", "feature/greeting")
    pull = place.rest("GET", f"/pulls/{number}").json()
    assert (pull["head"]["sha"], first != second) == (second, True)
    work.git("fetch", "--quiet", "origin", f"refs/pull/{number}/head:refs/fetched")
    assert work.git("rev-parse", "refs/fetched") == second
    said = {(d["event"], d["action"]) for d in delivered(forge)}
    assert {("push", ""), ("pull_request", "synchronize")} <= said


def test_who_may_not_push_and_who_may_not_even_look(place: Place, tmp_path: Path) -> None:
    stranger = Worktree(tmp_path / "m", place.clone_url, "mallory", place.tokens["mallory"])
    assert "not found" in stranger.git("clone", stranger.url, str(stranger.folder), fails=True)
    nobody = Worktree(tmp_path / "n", place.clone_url, "", "")
    nobody.git("clone", nobody.url, str(nobody.folder), fails=True)
    forge = place.forge
    forge.control("collaborators", repository=place.name, login="mallory", permission="read")
    reader = work_of(place, tmp_path, "mallory")
    reader.commit("a.txt", "one", "change")
    assert "403" in reader.git("push", "origin", "change", fails=True)


def test_protected_branches_take_no_push(place: Place, tmp_path: Path) -> None:
    place.forge.control("protection", repository=place.name, branches=["main"])
    work = work_of(place, tmp_path)
    work.commit("a.txt", "one", "main")
    said = work.git("push", "origin", "main", fails=True)
    assert "Protected branch update failed for refs/heads/main" in said


def test_nobody_pushes_to_the_refs_of_pull_requests(place: Place, tmp_path: Path) -> None:
    number = place.propose()
    work = work_of(place, tmp_path)
    work.commit("a.txt", "one", "change-2")
    work.git("push", "origin", f"change-2:refs/pull/{number}/head", fails=True)


def test_a_head_pushed_to_the_base_counts_as_merged(place: Place, tmp_path: Path) -> None:
    work = work_of(place, tmp_path)
    head = work.commit("a.txt", "one", "change")
    work.git("push", "--quiet", "origin", "change")
    number = place.forge.control("pull-requests", repository=place.name, by="ada", head="change")[
        "number"
    ]
    work.git("push", "--quiet", "origin", "change:main")
    pull = place.rest("GET", f"/pulls/{number}").json()
    assert (pull["state"], pull["merged"], pull["merge_commit_sha"]) == ("closed", True, head)


def test_a_deleted_branch_closes_its_pull_request(place: Place, tmp_path: Path) -> None:
    number = place.propose("change")
    work = work_of(place, tmp_path)
    work.git("push", "--quiet", "origin", ":change")
    pull = place.rest("GET", f"/pulls/{number}").json()
    assert (pull["state"], pull["merged"]) == ("closed", False)
    work.git("fetch", "--quiet", "origin", f"refs/pull/{number}/head:refs/kept")


def test_a_forge_comes_back_as_it_was(tmp_path: Path, github: StandIn) -> None:
    root = tmp_path / "forge"
    with held_port() as port:
        process, addresses = start("gitea", root, port)
        first = StandIn(
            "gitea", addresses["url"], addresses["api_url"], root, process=process, http=github.http
        )
        place = furnished(first)
        number = place.propose()
        place.say(number, "hello")
        process.kill()
        process.communicate()
        again, _ = start("gitea", root, port)
        try:
            assert place.rest("GET", f"/pulls/{number}").json()["head"]["ref"] == "change"
            assert [c["body"] for c in place.comments(number)] == ["hello"]
        finally:
            again.terminate()
            again.communicate()
