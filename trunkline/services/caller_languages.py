"""Languages people of a country speak officially, as Unicode's data has them.

Kept by others (CLDR, by way of babel) because such a list is never finished.
"""

from babel.languages import get_official_languages


def languages_of(country: str) -> tuple[str, ...]:
    """Codes of a country's official languages, the most spoken first, each also as it is spoken
    there: ``pt`` and ``pt-BR``. Empty for what is no country.
    """
    if not country.isascii() or not country.isalpha():
        return ()
    found = get_official_languages(country.upper(), de_facto=True)
    return tuple(
        form
        for language in (each.replace("_", "-") for each in found)
        for form in (language, f"{language}-{country.upper()}")
    )


def country_of(number: str) -> str:
    """The country a number in E.164 belongs to, as two letters; "" where its plan does not say."""
    from phonenumbers import (  # noqa: PLC0415 - numbering plans take memory
        NumberParseException,
        parse,
        region_code_for_number,
    )

    try:
        return region_code_for_number(parse(number)) or ""
    except NumberParseException:
        return ""
