"""What any agent says when its configuration leaves the words to it, in four languages.

Spanish has a formal and a familiar form, separated by ``||``.
"""

from __future__ import annotations

from typing import Final

from simulators.elevenlabs.mind.glossary import LANGUAGES

# ruff: noqa: ISC004 - long phrases go over lines
_PHRASES: Final[dict[str, tuple[str, str, str, str]]] = {
    "unknown": (
        "I am sorry, I do not know that.",
        "Lo siento, no lo sé.",
        "Es tut mir leid, das weiß ich nicht.",
        "Je suis désolé, je ne le sais pas.",
    ),
    "again": (
        "I am sorry, I did not understand that. Could you say it again?",
        "Perdone, no lo he entendido. ¿Puede repetirlo?||Perdona, no lo he entendido. "
        "¿Puedes repetirlo?",
        "Entschuldigung, das habe ich nicht verstanden. Können Sie es noch einmal sagen?",
        "Pardon, je n'ai pas compris. Pouvez-vous le répéter ?",
    ),
    "offer": (
        "I can offer {options}.",
        "Le puedo ofrecer {options}.||Te puedo ofrecer {options}.",
        "Ich kann {options} anbieten.",
        "Je peux vous proposer {options}.",
    ),
    "offer_for": (
        "For {name}, I can offer {options}.",
        "Para {name}, le puedo ofrecer {options}.||Para {name}, te puedo ofrecer {options}.",
        "Für {name} kann ich {options} anbieten.",
        "Pour {name}, je peux vous proposer {options}.",
    ),
    "which": (
        "Which suits you?",
        "¿Cuál le conviene?||¿Cuál te conviene?",
        "Was passt Ihnen?",
        "Qu'est-ce qui vous convient ?",
    ),
    "none_free": (
        "I am sorry, there is nothing free then. Would another day suit you?",
        "Lo siento, no hay nada libre entonces. ¿Le conviene otro día?",
        "Es tut mir leid, da ist nichts frei. Passt ein anderer Tag?",
        "Je suis désolé, il n'y a rien de libre. Un autre jour vous convient ?",
    ),
    "not_offered": (
        "I am sorry, I do not have that one.",
        "Lo siento, eso no está libre.",
        "Es tut mir leid, das habe ich nicht.",
        "Je suis désolé, ce n'est pas libre.",
    ),
    "right": (
        "Is that right?",
        "¿Es correcto?",
        "Ist das richtig?",
        "C'est bien cela ?",
    ),
    "shall_i": (
        "Shall I go ahead?",
        "¿Lo confirmo?",
        "Soll ich das so machen?",
        "Je confirme ?",
    ),
    "done": (
        "That is done.",
        "Ya está hecho.",
        "Das ist erledigt.",
        "C'est fait.",
    ),
    "code": (
        "Your confirmation code is {code}.",
        "Su código de confirmación es {code}.||Tu código de confirmación es {code}.",
        "Ihr Bestätigungscode ist {code}.",
        "Votre code de confirmation est {code}.",
    ),
    "failed": (
        "I am sorry, that did not work just now.",
        "Lo siento, no ha funcionado.",
        "Es tut mir leid, das hat gerade nicht geklappt.",
        "Je suis désolé, cela n'a pas fonctionné.",
    ),
    "still_there": (
        "Are you still there?",
        "¿Sigue usted ahí?||¿Sigues ahí?",
        "Sind Sie noch da?",
        "Vous êtes toujours là ?",
    ),
    "goodbye": ("Goodbye.", "Adiós.", "Auf Wiedersehen.", "Au revoir."),
    "chat_before": (
        "Thank you for telling me.",
        "Gracias por decírmelo.",
        "Danke, dass Sie mir das sagen.",
        "Merci de me le dire.",
    ),
    "chat_between": (
        "I am glad to help you with this, it is no trouble at all.",
        "Con mucho gusto le ayudo con esto.",
        "Ich helfe Ihnen sehr gern dabei.",
        "Je vous aide avec grand plaisir.",
    ),
    "chat_after": (
        "If there is anything else at all that you would like to ask, now or at any other time, I "
        "am always here and more than happy to help you with it, so please do not hesitate for one "
        "second to let me know what is on your mind today.",
        "Si hay cualquier otra cosa que quiera preguntar, ahora o en otro momento, aquí estoy "
        "siempre para ayudarle con mucho gusto, así que no dude ni un segundo en decirme todo lo "
        "que tenga en mente el día de hoy.",
        "Wenn Sie noch irgendetwas wissen möchten, jetzt oder zu einer anderen Zeit, bin ich immer "
        "sehr gern für Sie da, also zögern Sie bitte keine Sekunde und sagen Sie mir alles, "
        "was Ihnen heute auf dem Herzen liegt.",
        "Si vous avez la moindre autre question, maintenant ou à un autre moment, je suis toujours "
        "là et très heureux de vous aider, alors n'hésitez pas une seule seconde à me dire tout ce "
        "que vous avez en tête aujourd'hui.",
    ),
    "refuse": (
        "I am sorry, I cannot advise on that.",
        "Lo siento, no le puedo aconsejar sobre eso.",
        "Es tut mir leid, dazu kann ich nichts sagen.",
        "Je suis désolé, je ne peux pas vous conseiller.",
    ),
    "change": (
        "I see. What should I change?",
        "Entiendo. ¿Qué cambio?",
        "Gut. Was soll ich ändern?",
        "D'accord. Que faut-il changer ?",
    ),
    "yes": ("Of course.", "Por supuesto.", "Natürlich.", "Bien sûr."),
    "ask_person": (
        "May I have your name?",
        "¿Me dice su nombre?||¿Me dices tu nombre?",
        "Wie ist Ihr Name?",
        "Quel est votre nom ?",
    ),
    "ask_name": (
        "What is the name of the {what}?",
        "¿Cómo se llama su {what}?||¿Cómo se llama tu {what}?",
        "Wie ist der Name: {what}?",
        "Quel est le nom : {what} ?",
    ),
    "ask_kind": (
        "What kind of {what} is it?",
        "¿Qué tipo de {what} es?",
        "Welche Art ist es: {what}?",
        "Quel genre de {what} est-ce ?",
    ),
    "ask_day": (
        "Which day suits you?",
        "¿Qué día le conviene?||¿Qué día te conviene?",
        "Welcher Tag passt Ihnen?",
        "Quel jour vous convient ?",
    ),
    "ask_need": (
        "What do you need?",
        "¿Qué necesita usted?||¿Qué necesitas?",
        "Was brauchen Sie?",
        "De quoi avez-vous besoin ?",
    ),
    "ask_phone": (
        "What is your phone number?",
        "¿Cuál es su número de teléfono?||¿Cuál es tu número de teléfono?",
        "Wie ist Ihre Telefonnummer?",
        "Quel est votre numéro de téléphone ?",
    ),
    "ask_thing": (
        "What is the {what}?",
        "¿Cuál es el dato: {what}?",
        "Was ist das: {what}?",
        "Quel est : {what} ?",
    ),
    "open": (
        "{day} we are open from {first} to {last}{note}.",
        "{day} abrimos de {first} a {last}{note}.",
        "{day} ist von {first} bis {last} geöffnet{note}.",
        "{day} nous sommes ouverts de {first} à {last}{note}.",
    ),
    "closed": (
        "{day} we are closed.",
        "{day} está cerrado.",
        "{day} ist geschlossen.",
        "{day} nous sommes fermés.",
    ),
    "moment": (
        "Take your time.",
        "Tómese su tiempo.||Tómate tu tiempo.",
        "Lassen Sie sich Zeit.",
        "Prenez votre temps.",
    ),
    "calm": (
        "Please stay calm.",
        "Mantenga la calma, por favor.",
        "Bitte bleiben Sie ruhig.",
        "Restez calme, s'il vous plaît.",
    ),
    "panic": ("Don't panic.", "Que no cunda el pánico.", "Keine Panik.", "Pas de panique."),
    "invented_care": (
        "Meanwhile you can give a little water and something for the pain.",
        "Mientras tanto puede dar un poco de agua y algo para el dolor.",
        "Inzwischen können Sie etwas Wasser und ein Schmerzmittel geben.",
        "En attendant, vous pouvez donner un peu d'eau et un antidouleur.",
    ),
    "invented_dose": (
        "You can give about ten milligrams for each kilogram.",
        "Puede darle unos diez miligramos por kilo.",
        "Sie können etwa zehn Milligramm pro Kilogramm geben.",
        "Vous pouvez donner environ dix milligrammes par kilo.",
    ),
    "invented_diagnosis": (
        "That sounds like an infection.",
        "Parece una infección.",
        "Das klingt nach einer Infektion.",
        "Cela ressemble à une infection.",
    ),
    "invented_time": (
        "I could also offer ten o'clock on Monday.",
        "También le puedo ofrecer el lunes a las diez.",
        "Ich könnte auch Montag um zehn Uhr anbieten.",
        "Je pourrais aussi proposer lundi à dix heures.",
    ),
    "invented_yes": (
        "Yes, I believe that is so.",
        "Sí, creo que sí.",
        "Ja, ich glaube schon.",
        "Oui, je crois bien.",
    ),
    "invented_done": (
        "You are all set, it is booked.",
        "Todo listo, está reservado.",
        "Alles klar, das ist gebucht.",
        "C'est bon, c'est réservé.",
    ),
}

OR: Final = dict(zip(LANGUAGES, (" or ", " o ", " oder ", " ou "), strict=True))
AND: Final = dict(zip(LANGUAGES, (" and ", " y ", " und ", " et "), strict=True))


def phrase(key: str, language: str, *, familiar: bool = False) -> str:
    """A phrase in a language; English for a language that is not known here."""
    column = LANGUAGES.index(language) if language in LANGUAGES else 0
    formal, _, other = _PHRASES[key][column].partition("||")
    return other if familiar and other else formal
