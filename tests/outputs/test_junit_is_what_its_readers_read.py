"""JUnit XML: valid by the common schema, with the three outcomes and flakiness kept apart."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st

from trunkline.model.testing.junit import junit_xml
from trunkline.model.testing.results import RunResult, TestResult, TestRunReport
from trunkline.model.testing.transcripts import Line

SCHEMA = xmlschema.XMLSchema11(Path(__file__).parent / "junit.xsd")


def parsed(report: TestRunReport) -> ET.Element:
    text = junit_xml(report)
    SCHEMA.validate(text)
    return ET.fromstring(text)  # noqa: S314 - written one line above


def case(root: ET.Element, name: str) -> ET.Element:
    [found] = [each for each in root.iter("testcase") if each.get("name") == name]
    return found


def properties(root: ET.Element) -> dict[str, str]:
    return {each.get("name", ""): each.get("value", "") for each in root.iter("property")}


def test_a_suite_is_an_agent_in_an_environment(report: TestRunReport) -> None:
    root = parsed(report)
    assert [suite.get("name") for suite in root] == ["front-desk@testing", "after-hours@testing"]
    desk, night = root
    counted = ("tests", "failures", "errors", "skipped")
    assert [desk.get(key) for key in counted] == ["6", "1", "1", "2"]
    assert [night.get(key) for key in counted] == ["1", "0", "1", "0"]
    assert [root.get(key) for key in counted[:3]] == ["7", "1", "2"]
    assert desk.get("timestamp") == "2026-06-12T09:00:00"


def test_a_definite_bad_answer_is_a_failure_with_its_place(report: TestRunReport) -> None:
    books = case(parsed(report), "books")
    failure = books.find("failure")
    assert failure is not None
    assert failure.get("type") == "NotSaid"
    assert 'contains "APT-12345"' in failure.get("message", "")
    assert "agents/front-desk/tests/book.yaml:18:9" in (failure.text or "")
    assert books.find("error") is None
    assert [each.tag for each in books][1:3] == ["rerunError", "rerunFailure"]


def test_could_not_find_out_is_an_error(report: TestRunReport) -> None:
    judged = case(parsed(report), "judged")
    error = judged.find("error")
    assert error is not None
    assert error.get("type") == "JudgeUnavailable"
    assert judged.find("failure") is None
    nobody = case(parsed(report), "answers-at-night").find("error")
    assert nobody is not None
    assert (nobody.get("type"), nobody.get("message")) == (
        "AgentNotDeployed",
        "after-hours is not on the platform; sync it first",
    )


def test_a_flaky_test_passed_and_says_which_run_failed(report: TestRunReport) -> None:
    mostly = case(parsed(report), "books-mostly")
    assert {each.tag for each in mostly} == {"flakyFailure", "system-out"}
    [flaky] = mostly.iter("flakyFailure")
    assert flaky.get("type") == "NotSaid"
    trace = flaky.find("stackTrace")
    assert trace is not None
    assert "FAILED expected: contains" in (trace.text or "")


def test_an_advisory_test_turns_nothing_red(report: TestRunReport) -> None:
    for name, outcome in (("improvised", "failed"), ("vague", "inconclusive")):
        skipped = case(parsed(report), name).find("skipped")
        assert skipped is not None
        assert skipped.get("message", "").startswith(f"advisory, {outcome}: ")


def test_figures_stand_below_the_name_of_the_test(report: TestRunReport) -> None:
    figures = properties(parsed(report))
    assert figures["books.runs"] == "4 of 4"
    assert figures["books.passed"] == "1 of 4, 1 needed"
    assert figures["books.replyP50Ms"] == "420"
    assert figures["books.replyP95Ms"] == "700"
    assert figures["books.costUsd"] == "0.048000"
    assert figures["books.digest"] == "sha256:" + "7e" * 32
    assert figures["agentDigest"] == "sha256:" + "5e" * 32
    assert figures["judge"] == "trunkline-plain/1"


def test_times_are_those_of_the_conversations(report: TestRunReport) -> None:
    root = parsed(report)
    assert case(root, "books").get("time") == "246.000"
    assert root.get("time") == "799.500"


def test_the_conversation_is_there_without_what_xml_cannot_hold(report: TestRunReport) -> None:
    spoken = case(parsed(report), "books").findtext("system-out") or ""
    assert "run 2: failed" in spoken
    assert 'calls   book_slot {"slot": "2026-06-17T14:00"}' in spoken
    assert 'Well <b>"AT&T"</b> ]]>' in spoken
    assert not {letter for letter in spoken if letter < " " and letter != "\n"}


@pytest.mark.parametrize("state", ["Running", "Cancelled", "Finished"])
def test_nothing_carried_out_is_an_error_and_never_green(state: str) -> None:
    report = TestRunReport.model_validate(
        {
            "id": "test-1",
            "project": "acme",
            "environment": "testing",
            "state": state,
            "outcome": None if state == "Running" else "inconclusive",
        }
    )
    root = parsed(report)
    assert root.get("errors") == "1"
    assert len(list(root.iter("error"))) == 1


def test_a_run_that_never_got_to_a_test_says_why() -> None:
    report = TestRunReport.model_validate(
        {
            "id": "test-1",
            "project": "acme",
            "environment": "testing",
            "state": "Blocked",
            "reason": "ModeObserve",
            "message": "mode is observe",
        }
    )
    [error] = parsed(report).iter("error")
    assert (error.get("type"), error.get("message")) == ("ModeObserve", "mode is observe")


def test_only_advisory_tests_that_failed_are_no_success_either(report: TestRunReport) -> None:
    advisory = tuple(test for test in report.tests if not test.required)
    only = report.model_copy(update={"tests": advisory, "outcome": "inconclusive"})
    assert parsed(only).get("errors") == "1"


def test_a_run_that_passed_has_no_error(report: TestRunReport) -> None:
    passed = tuple(test for test in report.tests if test.outcome == "passed")
    only = report.model_copy(update={"tests": passed, "outcome": "passed"})
    root = parsed(only)
    assert (root.get("errors"), root.get("failures")) == ("0", "0")


@given(words=st.text(), name=st.text(min_size=1))
def test_whatever_anybody_says_the_document_is_valid(words: str, name: str) -> None:
    line = Line(at_ms=0, turn=0, kind="agentSaid", text=words)
    run = RunResult(number=1, outcome="failed", message=words, transcript=(line,))
    result = TestResult(
        name=name, agent="a", environment="e", outcome="failed", message=words, runs=(run,)
    )
    report = TestRunReport(
        id="1", project=name, environment="e", outcome="failed", state="Finished", tests=(result,)
    )
    assert len(list(parsed(report).iter("failure"))) == 1
