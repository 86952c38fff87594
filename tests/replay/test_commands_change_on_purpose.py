"""A change of what workflows ask for is a decision: it is in the fingerprint or it is a failure."""

from tests.replay.fingerprint import FINGERPRINT, fingerprint
from tests.replay.recordings import NEXT, recordings

ADVICE = """
The commands of a workflow changed. Workflows of the last release are still running with the old
ones, and replay them on the new code. So either
- keep the old path: `if workflow.patched("what-changed"): <new> else: <old>`, and record a new
  scenario that takes the new one; or
- it is a workflow, or a path of one, that no release had yet: record it anew.
Then run `make record-histories` for new scenarios and `make workflow-commands`, and say in the
commit why running workflows are safe. Recordings below the number of a release are never changed.
"""


def test_what_workflows_ask_for_is_what_the_fingerprint_says() -> None:
    known = FINGERPRINT.read_text("utf-8").splitlines()
    today = fingerprint().splitlines()
    differing = [line for line in today if line not in known]
    gone = [line for line in known if line not in today]
    assert (differing, gone) == ([], []), ADVICE


def test_every_recording_is_of_a_release_or_of_the_next() -> None:
    releases = {recording.release for recording in recordings()}
    assert NEXT in releases
    assert {name for name in releases if name != NEXT and not name[0].isdigit()} == set()
