"""Words the plain judge knows: of four languages' grammar, and of what any caller may ask for.

General language only. Nothing here comes from an agent, a clinic, a shop or a test.
"""

from typing import Final


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


LANGUAGES: Final = {
    "english": _set(
        "the and you is are to of for with that this have we our your can will would it on at in "
        "my me do be please what how when from there not but or as so i a an"
    ),
    "spanish": _set(
        "el la los las de que y en un una es por para con su se lo al del como más pero le ya muy "
        "este esta estamos está son nos qué cuándo puede usted hay sí también abre abrimos desde "
        "hasta hola gracias"
    ),
    "german": _set(
        "der die das und ist nicht ein eine wir sie ich zu mit für auf dem den von im am um bis "
        "haben sind können bitte ja nein uns ihr ihre wie wann auch es guten"
    ),
    "french": _set(
        "le la les des et est un une nous vous je pour avec sur dans que qui ne pas au aux du de "
        "ce cette sont votre notre oui bonjour merci à de jusqu ouvert avez pouvez"
    ),
}
"""Function words, by which a language is told."""
CONTRACTIONS: Final = r"\b(?:l|d|j|qu|c|n|s)['’](?=\w)"  # noqa: RUF001 - French as it is written
NEGATIONS: Final = _set(
    "no not never without cannot none nothing neither nor avoid nunca jamás sin tampoco nicht kein "
    "keine keinen nie ohne pas jamais sans aucun aucune"
)
"""Words that turn a sentence around."""
IDLE: Final = LANGUAGES["english"] | _set(
    "s t re ll ve d m they them their he she his her him its who whom whose which whether if than "
    "then also both again too just exactly only aloud clearly once about into by up out off over "
    "still any some all every each other another one ones thing things way has had having was were "
    "been being does did done doing may might must should could shall am "
    "say says said saying tell tells told telling give gives gave giving repeat repeats repeated "
    "answer answers answered answering mention mentions mentioned state states stated name names "
    "named explain explains explained inform informs informed let lets offer offers offered read "
    "reads respond responds reply replies speak speaks spoke provide provides describe describes "
    "include includes make makes use uses contain contains "
    "agent agents assistant caller callers customer customers user users reply response "
    "conversation call sentence word words text kind first next back"
)
"""Words a criterion needs as a sentence and a reply need not contain."""
MANNERS: Final = _set(
    "calm calmly polite politely friendly kind kindly warm warmly professional professionally "
    "natural naturally patient patiently empathetic empathy sympathetic rude tone confident "
    "helpful understandable accurate accurately correct-sounding appropriate appropriately "
    "invent invents invented inventing hallucinate hallucinates guess guesses guessing assume "
    "assumes assuming pretend pretends imply implies sensible sensibly reasonable relevant "
    "concise brief briefly understand understands understood"
)
"""What no word of a reply shows."""
AT_ONCE: Final = _set("once immediately now away straight instantly urgently asap directly sofort")
"""``at once``, ``right away``, ``now``: any stands for any."""
ALIKE: Final = (
    _set("right correct okay ok true"),
    _set("medicine medication drug drugs medicines medications"),
    _set("phone telephone"),
    _set("price prices cost costs charge charges fee fees"),
    _set("begin begins start starts"),
    _set("greet greets greeting hello hi hey welcome"),
    _set("apologise apologises apologize apologizes apology sorry"),
    _set("thank thanks thankful"),
    _set("goodbye farewell bye"),
    _set("appointment appointments booking visit"),
)
"""Words that stand for each other."""
DAY_WORDS: Final = _set("day days date dates weekday")
TIME_WORDS: Final = _set("time times hour hours clock")
NUMBER_WORDS: Final = _set("number numbers figure figures digits amount")
"""A criterion with one of these wants a day, a time or a number to be said."""
WEEKDAYS: Final = {
    "monday": _set("monday lunes montag lundi"),
    "tuesday": _set("tuesday martes dienstag mardi"),
    "wednesday": _set("wednesday miércoles mittwoch mercredi"),
    "thursday": _set("thursday jueves donnerstag jeudi"),
    "friday": _set("friday viernes freitag vendredi"),
    "saturday": _set("saturday sábado sábados samstag sonnabend samedi"),
    "sunday": _set("sunday domingo domingos sonntag dimanche"),
}
DAYS_NAMED: Final = frozenset().union(*WEEKDAYS.values()) | _set(
    "today tomorrow tonight hoy mañana heute morgen demain january february march april june july "
    "august september october november december"
)
