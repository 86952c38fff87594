"""Every hand in what is released is named, whatever history is made to look like."""

from pathlib import Path
from typing import Any

import pytest

from trunkline.adapters.git import GitReleases
from trunkline.model import limits
from trunkline.model.errors import CommitUnreadable
from trunkline.model.ids import Revision
from trunkline.model.limits import RENAMES_FOLLOWED_MAX

AGENT = "agents/front-desk.yaml"
ELSEWHERE = "agents/other.yaml"
BASE = {AGENT: "greeting: 1\n", ELSEWHERE: "greeting: 1\n"}


class History:
    """Commits by hand: trees of a few files, people as bytes."""

    def __init__(self, remote: Any) -> None:
        self.remote = remote
        self.count = 0

    def tree(self, files: dict[str, str]) -> str:
        blobs = {text: self.remote.store("blob", text.encode()) for text in {*files.values()}}
        lines = [
            f"100644 blob {blobs[text]}\t{path.removeprefix('agents/')}"
            for path, text in files.items()
        ]
        inner = self.remote.git("mktree", stdin="\n".join(lines) + "\n")
        return str(self.remote.git("mktree", stdin=f"040000 tree {inner}\tagents\n"))

    def commit(
        self,
        files: dict[str, str],
        *parents: str,
        author: bytes = b"Ada <ada@example.com>",
        committer: bytes = b"",
        message: bytes = b"Change\n",
        headers: bytes = b"",
    ) -> Revision:
        self.count += 1
        at = f" {1_700_000_000 + self.count} +0000\n".encode()
        content = b"".join(
            [
                f"tree {self.tree(files)}\n".encode(),
                *(f"parent {parent}\n".encode() for parent in parents),
                b"author " + author + at,
                b"committer " + (committer or author) + at,
                headers,
                b"\n" + message,
            ]
        )
        return Revision(self.remote.store("commit", content))


@pytest.fixture
def history(remote: Any) -> History:
    return History(remote)


@pytest.fixture
def base(history: History, remote: Any) -> Revision:
    return history.commit(BASE, remote.first, author=b"Root <root@example.com>")


def changed(**texts: str) -> dict[str, str]:
    names = {"agent": AGENT, "other": ELSEWHERE}
    return {**BASE, **{names[name]: text for name, text in texts.items()}}


async def emails(
    releases: GitReleases, remote: Any, since: Revision | None, until: Revision
) -> list[str]:
    remote.force(until)
    return [author.email for author in await releases.authors(since, until, [AGENT])]


async def test_authors_committers_and_co_authors_count_newest_first(
    releases: GitReleases, remote: Any, history: History, base: Revision
) -> None:
    first = history.commit(changed(agent="2"), base)
    second = history.commit(
        changed(agent="3"),
        first,
        author=b"Grace Hopper <grace@example.com>",
        committer=b"Forge <forge@example.com>",
        message=b"Shorter\n\nWhy not.\n\nCo-authored-by: Alan <alan@example.com>\n"
        b"CO-AUTHORED-BY : Edsger <edsger@example.com>\nco-authored-by:\n  Barbara\n"
        b"  <barbara@example.com>\n",
    )
    remote.force(second)
    found = await releases.authors(base, second, [AGENT])
    assert [(each.name, each.email, each.revision) for each in found] == [
        ("Grace Hopper", "grace@example.com", second),
        ("Forge", "forge@example.com", second),
        ("Alan", "alan@example.com", second),
        ("Edsger", "edsger@example.com", second),
        ("Barbara", "barbara@example.com", second),
        ("Ada", "ada@example.com", first),
    ]
    assert {each.person for each in found} == {""}


async def test_an_address_comes_once_with_its_newest_commit(
    releases: GitReleases, remote: Any, history: History, base: Revision
) -> None:
    first = history.commit(changed(agent="2"), base)
    second = history.commit(changed(agent="3"), first, author=b"A. L. <ADA@example.com>")
    remote.force(second)
    (found,) = await releases.authors(base, second, [AGENT])
    assert (found.email, found.name, found.revision) == ("ADA@example.com", "A. L.", second)


async def test_only_the_paths_and_only_since_then(
    releases: GitReleases, remote: Any, history: History, base: Revision
) -> None:
    one = history.commit(changed(other="2"), base, author=b"Other <other@example.com>")
    two = history.commit(changed(other="2", agent="2"), one)
    assert await emails(releases, remote, base, two) == ["ada@example.com"]
    assert await emails(releases, remote, two, two) == []
    assert await emails(releases, remote, None, two) == ["ada@example.com", "root@example.com"]
    assert await releases.authors(None, two, []) == ()
    both = await releases.authors(base, two, ["agents"])
    assert [each.email for each in both] == ["ada@example.com", "other@example.com"]


async def test_a_renamed_file_has_authors_under_both_names(
    releases: GitReleases, remote: Any, history: History, base: Revision
) -> None:
    old = history.commit(changed(agent="2"), base, author=b"Old <old@example.com>")
    moved = {"agents/renamed.yaml": "2", ELSEWHERE: BASE[ELSEWHERE]}
    new = history.commit(moved, old, author=b"New <new@example.com>")
    remote.force(new)
    found = await releases.authors(base, new, [AGENT, "agents/renamed.yaml"])
    assert [each.email for each in found] == ["new@example.com", "old@example.com"]


LONG = "".join(f"line {number}\n" for number in range(20))


def named(*names: str, text: str = LONG) -> dict[str, str]:
    """A tree in which only the agent's file has other names."""
    return {ELSEWHERE: BASE[ELSEWHERE], **{f"agents/{name}.yaml": text for name in names}}


async def hands(
    releases: GitReleases, remote: Any, since: Revision | None, until: Revision, path: str
) -> set[str]:
    remote.force(until)
    found = await releases.authors(since, until, [path])
    return {each.email.partition("@")[0] for each in found}


async def test_a_file_that_was_renamed_twice_hides_nobody_who_wrote_under_the_middle_name(
    releases: GitReleases, remote: Any, history: History, base: Revision
) -> None:
    start = history.commit(named("first"), base)
    one = history.commit(named("middle"), start, author=b"M <mover@example.com>")
    two = history.commit(named("middle", text=f"{LONG}evil\n"), one, author=b"E <eve@example.com>")
    last = history.commit(
        named("last", text=f"{LONG}evil\nmore\n"), two, author=b"L <last@example.com>"
    )
    found = await hands(releases, remote, start, last, "agents/last.yaml")
    assert found == {"mover", "eve", "last"}
    assert await hands(releases, remote, two, last, "agents/last.yaml") == {"last"}
    assert await releases.subjects(start, last, ["agents/last.yaml"]) == ("Change",) * 3


async def test_a_copy_whose_original_goes_later_takes_its_authors_along(
    releases: GitReleases, remote: Any, history: History, base: Revision
) -> None:
    start = history.commit(named(), base)
    draft = history.commit(named("draft"), start, author=b"E <eve@example.com>")
    copied = history.commit(named("draft", "desk"), draft, author=b"C <copier@example.com>")
    gone = history.commit(named("desk"), copied, author=b"R <remover@example.com>")
    assert await hands(releases, remote, start, gone, "agents/desk.yaml") == {
        "eve",
        "copier",
        "remover",
    }


async def test_renames_on_a_branch_that_was_merged_are_followed(
    releases: GitReleases, remote: Any, history: History, base: Revision
) -> None:
    start = history.commit(named("first"), base)
    middle = history.commit(named("middle"), start, author=b"M <mover@example.com>")
    edited = history.commit(
        named("middle", text=f"{LONG}evil\n"), middle, author=b"E <eve@example.com>"
    )
    last = history.commit(named("last", text=f"{LONG}evil\n"), edited)
    main = history.commit({**named("first"), ELSEWHERE: "2"}, start)
    tree = {**named("last", text=f"{LONG}evil\n"), ELSEWHERE: "2"}
    merge = history.commit(tree, main, last, author=b"G <merger@example.com>")
    found = await hands(releases, remote, start, merge, "agents/last.yaml")
    assert found == {"mover", "eve", "ada", "merger"}


async def test_another_file_that_only_looks_alike_has_other_authors(
    releases: GitReleases, remote: Any, history: History, base: Revision
) -> None:
    start = history.commit(named("template"), base)
    edited = history.commit(
        named("template", text=f"{LONG}more\n"), start, author=b"T <template@example.com>"
    )
    tree = {**named("template", text=f"{LONG}more\n"), "agents/desk.yaml": f"{LONG}desk\n"}
    new = history.commit(tree, edited)
    assert await hands(releases, remote, start, new, "agents/desk.yaml") == {"ada"}


@pytest.mark.slow
async def test_more_renames_than_are_followed_say_so_instead_of_losing_somebody(
    releases: GitReleases, remote: Any, history: History, base: Revision
) -> None:
    start = top = history.commit(named("at-0"), base)
    for number in range(1, RENAMES_FOLLOWED_MAX + 2):
        top = history.commit(named(f"at-{number}"), top)
    newest = f"agents/at-{RENAMES_FOLLOWED_MAX + 1}.yaml"
    remote.force(top)
    with pytest.raises(CommitUnreadable, match="renames in a row came after"):
        await releases.authors(start, top, [newest])
    second = Revision(remote.git("rev-parse", f"{top}~{RENAMES_FOLLOWED_MAX}"))
    assert await hands(releases, remote, second, top, newest) == {"ada"}


async def test_a_commit_that_moves_too_many_files_to_compare_says_so(
    releases: GitReleases, remote: Any, history: History, base: Revision
) -> None:
    before = {f"agents/old-{number}.yaml": "old\n" for number in range(1_001)}
    after = {f"agents/new-{number}.yaml": "new\n" for number in range(1_001)}
    start = history.commit({**before, "agents/first.yaml": "same\n"}, base)
    top = history.commit({**after, "agents/moved.yaml": "same\n"}, start)
    remote.force(top)
    with pytest.raises(CommitUnreadable, match=f"all in commit {top[:12]}"):
        await releases.authors(start, top, ["agents/new-3.yaml"])
    exactly = await releases.authors(start, top, ["agents/moved.yaml"])
    assert [each.email for each in exactly] == ["ada@example.com"]


async def test_paths_are_no_patterns(
    releases: GitReleases, remote: Any, history: History, base: Revision
) -> None:
    top = history.commit(changed(agent="2"), base)
    remote.force(top)
    for path in ("agents/*.yaml", ":(top)agents", ":!x"):
        assert await releases.authors(base, top, [path]) == ()
    odd = history.commit({**BASE, "agents/*.yaml": "1"}, top, author=b"O <o@example.com>")
    remote.force(odd)
    assert [each.email for each in await releases.authors(top, odd, ["agents/*.yaml"])] == [
        "o@example.com"
    ]


async def test_what_came_in_by_a_merge_has_its_authors(
    releases: GitReleases, remote: Any, history: History, base: Revision
) -> None:
    side = history.commit(changed(agent="2"), base, author=b"Side <side@example.com>")
    main = history.commit(changed(other="2"), base, author=b"Main <main@example.com>")
    merge = history.commit(
        changed(agent="2", other="2"), main, side, author=b"Merger <merger@example.com>"
    )
    assert await emails(releases, remote, main, merge) == [
        "merger@example.com",
        "side@example.com",
    ]


async def test_an_evil_merge_has_an_author(
    releases: GitReleases, remote: Any, history: History, base: Revision
) -> None:
    """What the merge says is in neither of its parents."""
    one = history.commit(changed(other="2"), base, author=b"One <one@example.com>")
    two = history.commit(changed(other="3"), base, author=b"Two <two@example.com>")
    evil = history.commit(changed(agent="evil"), one, two, author=b"Evil <evil@example.com>")
    assert await emails(releases, remote, base, evil) == ["evil@example.com"]


async def test_a_merge_that_takes_the_older_side_has_an_author(
    releases: GitReleases, remote: Any, history: History, base: Revision
) -> None:
    """It undoes what was released, and equals one of its parents in everything."""
    fixed = history.commit(changed(agent="fixed"), base, author=b"Fixer <fixer@example.com>")
    old = history.commit(changed(other="2"), base, author=b"Old <old@example.com>")
    evil = history.commit(changed(other="2"), fixed, old, author=b"Evil <evil@example.com>")
    assert await emails(releases, remote, fixed, evil) == ["evil@example.com"]


async def test_our_own_committing_is_nobodys_hand_but_our_name_is_no_disguise(
    releases: GitReleases, remote: Any, history: History, base: Revision
) -> None:
    ours = b"Trunkline <noreply@trunkline.invalid>"
    one = history.commit(changed(agent="2"), base, committer=ours)
    assert await emails(releases, remote, base, one) == ["ada@example.com"]
    two = history.commit(changed(agent="3"), one, author=ours)
    assert await emails(releases, remote, one, two) == ["noreply@trunkline.invalid"]


async def test_a_mailmap_renames_nobody(
    releases: GitReleases, remote: Any, history: History, base: Revision
) -> None:
    one = history.commit(changed(agent="2"), base, author=b"Eve <eve@example.com>")
    blob = remote.store("blob", b"Ada <ada@example.com> Eve <eve@example.com>\n")
    agents = remote.git("rev-parse", f"{one}:agents")
    top = remote.commit_tree(f"100644 blob {blob}\t.mailmap\n040000 tree {agents}\tagents\n", one)
    assert await emails(releases, remote, base, top) == ["eve@example.com"]


@pytest.mark.parametrize(
    ("author", "name", "email"),
    [
        (b" <ada@example.com>", "", "ada@example.com"),
        (b"Ada <>", "Ada", ""),
        (b"Zo\xc3\xab <ada@example.com>", "Zoë", "ada@example.com"),
        (b"Zo\xeb <ada\xeb@example.com>", "Zo\ufffd", "ada\ufffd@example.com"),
        (b"Ada\x1b[2J\r <ada@example.com\x00>", "Ada\ufffd[2J", "ada@example.com\ufffd"),
        (b"Ada <ada@example.com\xe2\x80\x8b>", "Ada", "ada@example.com\ufffd"),
        (b"Ada <ada@example.com> <eve@example.com>", "Ada", "ada@example.com"),
        (b"ada@example.com", "", ""),
        (b"x" * 5_000 + b" <ada@example.com>", "x" * 320, "ada@example.com"),
    ],
)
async def test_odd_bytes_stay_odd_and_become_nobodys_address(
    releases: GitReleases,
    remote: Any,
    history: History,
    base: Revision,
    author: bytes,
    name: str,
    email: str,
) -> None:
    odd = history.commit(changed(agent="2"), base, author=author)
    remote.force(odd)
    found = (await releases.authors(base, odd, [AGENT]))[0]
    if author == b"ada@example.com":
        assert found.email.startswith("ada@example.com 17")
    else:
        assert (found.name, found.email) == (name, email)


async def test_a_commit_in_another_encoding_is_read_as_it_says(
    releases: GitReleases, remote: Any, history: History, base: Revision
) -> None:
    latin = history.commit(
        changed(agent="2"),
        base,
        author="Zoë <zoë@example.com>".encode("latin-1"),
        headers=b"encoding ISO-8859-1\n",
        message="Grüße\n\nCo-authored-by: Jürg <j@example.com>\n".encode("latin-1"),
    )
    odd = history.commit(
        changed(agent="3"), latin, author=b"Eve <eve@example.com>", headers=b"encoding utf-7\n"
    )
    remote.force(odd)
    found = await releases.authors(base, odd, [AGENT])
    assert [(each.name, each.email) for each in found] == [
        ("Eve", "eve@example.com"),
        ("Zoë", "zoë@example.com"),
        ("Jürg", "j@example.com"),
    ]
    assert await releases.subjects(base, odd, [AGENT]) == ("Change", "Grüße")


async def test_nothing_in_a_message_becomes_a_header(
    releases: GitReleases, remote: Any, history: History, base: Revision
) -> None:
    forged = history.commit(
        changed(agent="2"),
        base,
        author=b"Eve <eve@example.com>",
        message=b"\nauthor Ada <ada@example.com> 1 +0000\n\nencoding utf-16\n\0"
        b"\n> Co-authored-by: Alan <alan@example.com>\nCo-authored-by: nobody at all\n",
    )
    remote.force(forged)
    found = await releases.authors(base, forged, [AGENT])
    assert [(each.name, each.email) for each in found] == [
        ("Eve", "eve@example.com"),
        ("nobody at all", ""),
    ]


async def test_subjects_are_one_line_each_newest_first(
    releases: GitReleases, remote: Any, history: History, base: Revision
) -> None:
    one = history.commit(changed(agent="2"), base, message=b"\n  Greet\n  warmly\n\nBody\n")
    two = history.commit(changed(agent="3"), one, message=b"\x1b[31mRed\n")
    three = history.commit(changed(agent="4"), two, message=b"")
    remote.force(three)
    assert await releases.subjects(base, three, [AGENT]) == ("", "\ufffd[31mRed", "Greet warmly")


async def test_what_cannot_be_told_is_an_error_not_an_empty_list(
    releases: GitReleases, remote: Any, history: History, base: Revision
) -> None:
    top = history.commit(changed(agent="2"), base)
    remote.force(top)
    for since, until in ((Revision("1" * 40), top), (base, Revision("2" * 40))):
        with pytest.raises(CommitUnreadable):
            await releases.authors(since, until, [AGENT])
        with pytest.raises(CommitUnreadable):
            await releases.is_ancestor(since, until)
    assert await releases.is_ancestor(base, top)
    assert not await releases.is_ancestor(top, base)


async def test_authors_since_a_commit_that_left_the_branch_are_found(
    releases: GitReleases, remote: Any, history: History, base: Revision
) -> None:
    lost = history.commit(changed(agent="2"), base)
    remote.git("tag", "-a", "-m", "v1", "trunkline/production/front-desk/v1", lost)
    new = history.commit(changed(agent="3"), base, author=b"New <new@example.com>")
    assert await emails(releases, remote, lost, new) == ["new@example.com"]


@pytest.mark.slow
async def test_more_commits_than_are_read_are_an_error_that_costs_no_copy(
    releases: GitReleases, remote: Any, tmp_path: Path
) -> None:
    count = limits.CLOSURE_COMMITS_MAX + 1
    from_first = f"from {remote.first}\n"
    stream = "".join(
        f"commit refs/heads/main\ncommitter Ada <ada@example.com> {1_700_000_000 + n} +0000\n"
        f"data 2\nx\n{'' if n else from_first}M 100644 inline {AGENT}\ndata {len(str(n))}\n{n}\n"
        for n in range(count)
    )
    remote.git("fast-import", "--quiet", "--force", stdin=stream)
    tip = await releases.fetch_tip()
    (copy,) = (tmp_path / "cache").glob("*/copy.git")
    (copy / "marker").touch()
    with pytest.raises(CommitUnreadable, match=str(limits.CLOSURE_COMMITS_MAX)) as raised:
        await releases.authors(remote.first, tip, [AGENT])
    assert "Release more often" in raised.value.hint
    assert (copy / "marker").exists()
    newer = Revision(remote.git("rev-parse", "main~1000"))
    (author,) = await releases.authors(newer, tip, [AGENT])
    assert author.email == "ada@example.com"


async def test_a_forge_that_commits_what_a_person_merges_is_nobody(
    releases: GitReleases, remote: Any, history: History, base: Revision
) -> None:
    """The person is its author; who writes the forge's address as an author is no person."""
    forge = b"GitHub <noreply@github.com>"
    one = history.commit(changed(agent="2"), base, committer=forge)
    assert await emails(releases, remote, base, one) == ["ada@example.com"]
    two = history.commit(changed(agent="3"), one, author=forge)
    assert await emails(releases, remote, one, two) == ["noreply@github.com"]
