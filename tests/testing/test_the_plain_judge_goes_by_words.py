"""What the judge without a model agrees with, denies, and leaves open."""

import pytest

from trunkline.model.testing.judging import Question
from trunkline.model.testing.plain_judge import language_of, plain_answer
from trunkline.model.testing.transcripts import Line


@pytest.mark.parametrize(
    ("criterion", "reply", "agrees"),
    [
        ("says that lunch is over", "Lunch is over, I am afraid.", True),
        ("says that lunch is over", "We bake bread.", None),
        ("says that lunch has ended", "We bake bread.", False),
        ("says that lunch ended at noon sharp", "Lunch ended.", True),
        ("describes the red bicycle with bells", "It is red.", None),
        ("mentions no prices", "We open at nine.", True),
        ("mentions no prices", "The price is ten dollars.", False),
        ("gives no advice about salt or sugar", "Do not give sugar.", True),
        ("gives no advice about salt or sugar", "Try some sugar.", False),
        ("never promises a refund", "You will get a refund. I promise.", True),
        ("never promises a refund", "I promise a refund.", False),
        ("offers a table without asking for a card", "We have a table. Your card, please?", False),
        ("asks for the name", "What name is it?", True),
        ("asks for the name", "Thank you.", False),
        ("asks for the postcode", "What name is it?", None),
        ("asks whether that is right", "Friday at ten, is that correct?", True),
        ("repeats day and time", "Friday at ten o'clock.", True),
        ("repeats day and time", "I have booked it.", False),
        ("repeats the telephone number", "It is 555 0100.", True),
        ("confirms half past two", "That is confirmed for 14:30.", True),
        ("tells the caller to leave immediately", "Leave now!", True),
        ("greets the caller", "Good morning and welcome.", True),
        ("apologises", "Sorry about that.", True),
        ("stays calm", "Oh dear.", None),
        ("says that lunch is over and is polite", "Lunch is over.", None),
        ("says that lunch has ended and is polite", "We bake bread.", False),
        ("answers in Spanish", "Abrimos a las nueve de la mañana.", True),
        ("answers in Spanish", "We are open from nine.", False),
        ("answers in German", "Wir haben am Samstag nicht geöffnet.", True),
        ("answers in French", "Nous sommes fermés le dimanche.", True),
        ("answers in Spanish", "BLC-204", None),
        ("names Saturday in Spanish", "El sábado abrimos a las nueve.", True),
        ("names Sunday in Spanish", "El sábado abrimos a las nueve.", False),
        ("explains the garden in Spanish", "El sábado abrimos a las nueve.", None),
        ("—", "Hello.", None),
    ],
)
def test_a_criterion_is_held_against_the_reply(
    criterion: str, reply: str, agrees: bool | None
) -> None:
    answer = plain_answer(Question(criterion=criterion, transcript=(), about=reply))
    assert answer.agrees is agrees, answer.reason
    assert answer.reason.startswith("by words: ")


def test_of_a_whole_conversation_calls_and_answers_count_too() -> None:
    lines = (
        Line(at_ms=0, turn=0, kind="callerSaid", text="Book the garden table."),
        Line(at_ms=1, turn=0, kind="toolCalled", tool="book_table", arguments={"day": "Friday"}),
        Line(at_ms=2, turn=0, kind="toolAnswered", tool="book_table", answer={"code": "X7"}),
        Line(at_ms=3, turn=0, kind="agentSaid", text="Done."),
    )
    assert plain_answer(Question(criterion="a table is booked", transcript=lines)).agrees is True
    assert (
        plain_answer(Question(criterion="a garden chair is named", transcript=lines)).agrees
        is False
    )
    assert (
        plain_answer(Question(criterion="a table is booked", transcript=lines[:1])).agrees is None
    )


@pytest.mark.parametrize(
    ("reply", "agrees"),
    [
        ("We open at nine o'clock on Saturday.", True),
        ("We open at eight o'clock on Saturday.", False),
        ("We open on Sunday.", False),
        ("From 9 to 13 on Saturday.", True),
        ("From 9 to 14 on Saturday.", False),
        ("It costs 1300.", False),
        ("You asked for the twelfth.", True),
        ("Gladly.", None),
    ],
)
def test_numbers_times_and_days_are_grounded(reply: str, agrees: bool | None) -> None:
    lines = (
        Line(at_ms=0, turn=0, kind="callerSaid", text="And on the 12th?"),
        Line(at_ms=1, turn=0, kind="agentSaid", text=reply),
    )
    question = Question(criterion="x", transcript=lines, reference="Saturday 9:00 to 13:00")
    assert plain_answer(question).agrees is agrees


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("How can I help you today?", "english"),
        ("¿En qué puedo ayudarle?", "spanish"),
        ("Wie kann ich Ihnen helfen? Wir sind da.", "german"),
        ("Comment puis-je vous aider? Nous sommes ici.", "french"),
        ("Okay.", None),
        ("", None),
    ],
)
def test_languages_are_told_by_their_grammar(text: str, language: str | None) -> None:
    assert language_of(text) == language
