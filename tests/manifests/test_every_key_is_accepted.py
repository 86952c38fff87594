"""A repository that uses every key there is, each in the spelling of the manual, is sound."""

from pathlib import Path

from trunkline.manifests import Caches, DirectoryTree, review
from trunkline.model.resolution import wishes

SOURCE = Path(__file__).with_name("every_key.txt")


def write_repository(root: Path) -> None:
    """The files of ``every_key.txt``: a line ``=== path`` and the text below it."""
    for block in SOURCE.read_text(encoding="utf-8").split("=== ")[1:]:
        path, _, text = block.partition("\n")
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def test_every_key_is_accepted(tmp_path: Path) -> None:
    write_repository(tmp_path)
    found = review(DirectoryTree(tmp_path), caches=Caches())
    assert found.problems == ()
    [warning] = found.warnings
    assert str(warning).startswith(
        "agents/front-desk/agent.yaml:8:3: an inbound agent calls nobody;"
    )


def test_it_says_what_it_says_in_every_environment(tmp_path: Path) -> None:
    write_repository(tmp_path)
    found = review(DirectoryTree(tmp_path), caches=Caches())
    assert found.manifests is not None
    wishlist = wishes(found.manifests)
    desired = wishlist.agent("testing", "front-desk")
    assert desired is not None
    assert desired.voice.id == "21m00Tcm4TlvDq8ikWAM"
    assert desired.variables == {"company": "ACME"}
    assert wishlist.waiting == ()
