"""Numbers and dates as people type them, and as people read them; pure, without a database."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache

from babel.dates import get_month_names
from flask_babel import format_date, format_decimal, get_locale

from webapp.clients import keys
from webapp.languages import LANGUAGES

_BLANKS = re.compile(r"[\s\u00a0\u202f'’]+")
_DATE = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4}|\d{2})", re.ASCII)
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})", re.ASCII)
_WORDED = re.compile(r"(\d{1,2})[\s.]+([^\W\d_]+)[\s.,]+(\d{4})\s*г?\.?")
MOST_DIGITS = 15
MOST_DECIMALS = 6


def number(text: str) -> Decimal | None:
    """12500.5 for 12 500,50, 12,500.50, 12.500,50 and -12500.5; None for what is no number or too long a one.

    A lone comma or point is the decimal sign, unless it groups thousands in the reader's language (1,250 in English).
    """
    typed = _BLANKS.sub("", text).replace("−", "-")
    if not re.fullmatch(r"[+-]?\d[\d.,]*", typed, re.ASCII):
        return None
    signs = [sign for sign in typed if sign in ".,"]
    if len(set(signs)) == 2:
        decimal = signs[-1]
    elif len(signs) == 1 and not (_groups(signs[0]) and re.fullmatch(r"[+-]?[1-9]\d{0,2}[.,]\d{3}", typed)):
        decimal = signs[0]
    else:
        decimal = ""
    grouping = {".", ","} - {decimal}
    whole, _sign, rest = typed.partition(decimal) if decimal else (typed, "", "")
    for sign in grouping:
        if sign in whole and not re.fullmatch(rf"[+-]?\d{{1,3}}(?:\{sign}\d{{3}})+", whole):
            return None
        whole = whole.replace(sign, "")
    if not re.fullmatch(r"\d*", rest) or len(whole.strip("+-")) > MOST_DIGITS or len(rest) > MOST_DECIMALS:
        return None
    try:
        return Decimal(f"{whole}.{rest or 0}")
    except InvalidOperation:
        return None


def _groups(sign: str) -> bool:
    locale = get_locale()
    return locale is not None and locale.number_symbols.get("latn", {}).get("group") == sign


def plain(value: Decimal) -> str:
    """A number as it is kept: 12500.5, 0, -3."""
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def day(text: str) -> date | None:
    """The date in 10.03.2026, 10/3/26, 10-03-2026, 2026-03-10, 10 Mar 2026 or 10 марта 2026; None for anything else."""
    typed = "".join(text.split())
    if (found := _WORDED.fullmatch(text.strip())) and (month := _months().get(found[2].casefold())):
        number_of_day, year = int(found[1]), int(found[3])
    elif found := _ISO.fullmatch(typed):
        year, month, number_of_day = int(found[1]), int(found[2]), int(found[3])
    elif found := _DATE.fullmatch(typed.rstrip(".")):
        number_of_day, month, year = int(found[1]), int(found[2]), int(found[3])
        year += 2000 if year < 100 else 0
    else:
        return None
    try:
        return date(year, month, number_of_day)
    except ValueError:
        return None


@cache
def _months() -> dict[str, int]:
    """The names of the months in every language of the interface, long and short."""
    return {
        name.casefold().rstrip("."): month
        for language in LANGUAGES
        for context in ("format", "stand-alone")
        for width in ("wide", "abbreviated")
        for month, name in get_month_names(width, context, language).items()
    }


def shown_number(text: str) -> str:
    """A number that is kept, in the reader's way: 12 500,5 or 12,500.5."""
    try:
        return format_decimal(Decimal(text))
    except InvalidOperation:
        return text


def shown_day(text: str) -> str:
    """A date that is kept, in the reader's way."""
    read = day(text)
    return format_date(read, "d MMM y") if read else text


def search_keys(kind: str, text: str) -> list[tuple[str, str]]:
    """(kind, key) of `MatchKey` by which the search box finds an extra field's value."""
    if kind == "date":
        return [("extra", text)]
    if kind == "number":
        return [("extra", text)]
    return [("word", word) for word in keys.search_words(text)] if kind in ("text", "list") else []


def asked_keys(text: str) -> list[str]:
    """What a number or a date typed into the search box may be as the key of an extra field's value."""
    found = [read.isoformat()] if (read := day(text)) else []
    return [*found, plain(value)] if (value := number(text)) is not None else found
