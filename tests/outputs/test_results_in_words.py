"""What people read of a result: the transcript with what failed at its place, and a summary."""

from trunkline.model.testing.report_text import (
    SUMMARY_MAX_BYTES,
    markdown_summary,
    totals,
    totals_text,
    transcript_text,
    verdict_text,
)
from trunkline.model.testing.results import TestResult, TestRunReport


def one(report: TestRunReport, name: str) -> TestResult:
    [found] = [test for test in report.tests if test.name == name]
    return found


def test_what_failed_stands_below_the_turn_it_belongs_to(report: TestRunReport) -> None:
    lines = transcript_text(one(report, "books").runs[1])
    assert [line.split()[2] for line in lines if " s  " in line[:14]] == [
        *("agent", "caller", "calls", "answer", "agent", "caller")
    ]
    at = next(number for number, line in enumerate(lines) if "FAILED" in line)
    assert "Well" in lines[at - 1]
    assert lines[at].endswith("(NotSaid)  agents/front-desk/tests/book.yaml:18:9")
    assert "Thank you." in lines[at + 1]
    assert not any("Goodbye" in line for line in lines)


def test_what_is_about_the_whole_stands_at_the_end_with_the_judges_words(
    report: TestRunReport,
) -> None:
    *_, check, vote = transcript_text(one(report, "judged").runs[1])
    assert "UNKNOWN expected: exactly one appointment is booked (JudgeUnavailable)" in check
    assert vote.strip() == "judge cannot tell: the endpoint does not answer"


def test_every_check_can_be_shown(report: TestRunReport) -> None:
    lines = transcript_text(one(report, "books").runs[1], every_check=True)
    assert any('ok "Hello"' in line for line in lines)
    assert any("Goodbye" in line for line in lines)


def test_no_line_holds_what_drives_a_terminal(report: TestRunReport) -> None:
    for run in one(report, "books").runs:
        for line in transcript_text(run):
            assert not {letter for letter in line if letter < " " or letter == "\x7f"}


def test_a_flaky_test_says_how_often_it_failed(report: TestRunReport) -> None:
    assert verdict_text(one(report, "books-mostly")) == "flaky: 1 of 3 runs failed"
    assert verdict_text(one(report, "greets")) == ""


def test_the_counts_leave_advisory_tests_apart(report: TestRunReport) -> None:
    assert totals(report)._asdict() == {
        "passed": 2,
        "failed": 1,
        "inconclusive": 2,
        "advisory": 2,
        "flaky": 1,
    }
    assert totals_text(report) == (
        "2 passed (1 flaky), 1 failed, 2 inconclusive, 2 advisory not passed"
    )


def test_the_summary_page_is_a_table_and_folded_conversations(report: TestRunReport) -> None:
    page = markdown_summary(report)
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + len(report.tests)
    assert all(row.replace("\\|", "").count("|") == 9 for row in rows)
    assert page.count("<details>") == page.count("</details>") == 4
    assert "\x1b" not in page
    assert "<b>" not in page.split("```")[0]


def test_a_summary_never_grows_beyond_what_github_takes(report: TestRunReport) -> None:
    [line, *_] = one(report, "books").runs[1].transcript
    long = line.model_copy(update={"text": "x" * (SUMMARY_MAX_BYTES // 3)})
    books = one(report, "books")
    run = books.runs[1].model_copy(update={"transcript": (long,)})
    tests = tuple(
        books.model_copy(update={"name": f"test-{number}", "runs": (run,)}) for number in range(5)
    )
    page = markdown_summary(report.model_copy(update={"tests": tests}))
    assert len(page.encode()) < SUMMARY_MAX_BYTES + 1_000
    assert "3 conversations are too long for this page." in page
    assert all(f"| test-{number} " in page for number in range(5))
