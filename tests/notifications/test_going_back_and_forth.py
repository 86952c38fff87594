"""Nobody is told the same thing again and again, and everybody is told how it ended."""

from datetime import UTC, datetime, timedelta
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from trunkline.model.notifications.groups import Tone
from trunkline.model.notifications.quiet import Chapter, Quiet, decide, due_at

QUIET = Quiet()
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
TONES: tuple[Tone, ...] = get_args(Tone)
Step = tuple[int, Tone, str]
STEPS = st.lists(
    st.tuples(st.integers(0, 900), st.sampled_from(("bad", "good")), st.sampled_from("ab")),
    min_size=1,
    max_size=60,
)


class Story:
    """One topic told as the product tells it: decide about each event, tell what is due."""

    def __init__(self) -> None:
        self.chapters: list[Chapter] = []
        self.messages: list[tuple[datetime, list[Chapter]]] = []

    def happen(self, at: datetime, tone: Tone, said: str) -> None:
        self.flush(at)
        chapter = Chapter(
            event_id=len(self.chapters) + 1,
            at=at,
            tone=tone,
            said=f"{tone}/{said}",
            state="sending",
        )
        verdict = decide(self.chapters, chapter, QUIET)
        if verdict == "tell":
            self.messages.append((at, [chapter]))
            self.chapters.append(chapter.model_copy(update={"state": "delivered"}))
        else:
            state = "held" if verdict == "hold" else "repeated"
            self.chapters.append(chapter.model_copy(update={"state": state}))

    def flush(self, now: datetime) -> None:
        held = [each for each in self.chapters if each.state == "held"]
        if not held:
            return
        told = [told[-1].at for _, told in self.messages]
        due = due_at(held, told[-1] if told else None, QUIET)
        if due <= now:
            self.messages.append((due, held))
            last = held[-1].event_id
            self.chapters = [
                each.model_copy(
                    update={"state": "delivered" if each.event_id == last else "covered"}
                )
                if each.state == "held"
                else each
                for each in self.chapters
            ]


def _told(steps: list[Step]) -> Story:
    story, at = Story(), START
    for after_s, tone, said in steps:
        at += timedelta(seconds=after_s)
        story.happen(at, tone, said)
    story.flush(at + timedelta(days=1))
    return story


@given(STEPS)
def test_every_event_is_told_or_repeats_what_was(steps: list[Step]) -> None:
    story = _told(steps)
    told = [chapter.event_id for _, chapters in story.messages for chapter in chapters]
    repeated = [each.event_id for each in story.chapters if each.state == "repeated"]
    assert sorted(told + repeated) == list(range(1, len(steps) + 1))


@given(STEPS)
def test_the_last_message_says_how_it_ended(steps: list[Step]) -> None:
    story = _told(steps)
    last = story.messages[-1][1][-1]
    assert (last.tone, last.said) == (steps[-1][1], f"{steps[-1][1]}/{steps[-1][2]}")


@given(STEPS)
def test_going_back_and_forth_is_few_messages(steps: list[Step]) -> None:
    same: list[Step] = [(after_s, tone, "a") for after_s, tone, _ in steps]
    story = _told(same)
    times = [at for at, _ in story.messages]
    for at in times:
        window = [t for t in times if timedelta() <= t - at < timedelta(seconds=QUIET.quiet_s)]
        assert len(window) <= 4


def test_a_flapping_subject_is_two_messages() -> None:
    steps: list[Step] = [(5, TONES[index % 2], "a") for index in range(8)]
    story = _told(steps)
    assert [len(chapters) for _, chapters in story.messages] == [1, 7]


def test_bad_news_after_good_news_is_told_at_once() -> None:
    story = _told([(0, "good", "a"), (1, "bad", "a"), (1, "bad", "b")])
    assert [at for at, _ in story.messages] == [START + timedelta(seconds=s) for s in (0, 1, 2)]


def test_a_recovery_waits_until_it_lasts() -> None:
    story = _told([(0, "bad", "a"), (7_200, "good", "a")])
    assert [at - START for at, _ in story.messages] == [
        timedelta(),
        timedelta(seconds=7_200 + QUIET.settle_s),
    ]


def test_the_same_words_are_not_repeated_within_the_quiet_time() -> None:
    story = _told([(0, "bad", "a"), (300, "bad", "a"), (700, "bad", "a")])
    assert len(story.messages) == 2
