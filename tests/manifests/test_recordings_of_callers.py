"""A recording that a test plays is sound a runner can play, found before anything runs."""

from collections.abc import Callable, Mapping

import pytest

from trunkline.manifests import Inspection
from trunkline.model.testing.limits import SOUND_FILE_MAX_BYTES

Look = Callable[[Mapping[str, str | bytes]], Inspection]

FILE = "agents/desk/tests/a.wav"
TEST = {
    "agents/desk/tests/a.yaml": """\
        apiVersion: trunkline/v1alpha1
        kind: ConversationTest
        metadata: { name: t }
        spec:
          agent: desk
          mode: audio
          turns: [ { audioFile: a.wav, expect: [ { says: Hello } ] } ]
        """
}


def test_a_recording_is_kept_as_it_is(look: Look, record: Callable[..., bytes]) -> None:
    sound = record(rate=48_000, channels=2, width=3)
    found = look({**TEST, FILE: sound})
    assert found.problems == ()
    assert found.manifests is not None
    upload = found.manifests.uploads[FILE]
    assert (upload.content, upload.file_type) == (sound, "wav")


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ({"rate": 4_000}, "has 4000 samples a second; a recording has 8,000 to 48,000"),
        ({"channels": 3}, "has 3 channels; a recording is mono or stereo"),
        ({"seconds": 61}, "lasts 61 s; a recording lasts at most 60 s"),
        ({"seconds": 0}, "holds no sound"),
    ],
)
def test_sound_nobody_can_play_is_refused(
    made: dict[str, float], says: str, look: Look, record: Callable[..., bytes]
) -> None:
    found = look({**TEST, FILE: record(**made)})
    assert [str(each) for each in found.problems] == [
        f"agents/desk/tests/a.yaml:7:25: `{FILE}` {says}"
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"ID3\x03", "is no WAV file with linear PCM"),
        (b"RIFF\x24\x00\x00\x00WAVE", "is no WAV file with linear PCM"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a pointer of Git LFS"),
        (b"\x00" * (SOUND_FILE_MAX_BYTES + 1), f"is larger than {SOUND_FILE_MAX_BYTES} bytes"),
    ],
    ids=["empty", "mp3", "cut off", "pointer", "large"],
)
def test_what_is_no_recording_is_refused(content: bytes, says: str, look: Look) -> None:
    [problem] = look({**TEST, FILE: content}).problems
    assert f"`{FILE}` {says}" in problem.message
