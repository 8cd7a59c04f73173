"""Amounts of money in the office's one currency, as the reader writes them."""

from __future__ import annotations

from decimal import Decimal

from babel import Locale, numbers
from flask_babel import format_decimal, get_locale
from sqlalchemy.orm import Session

from webapp.office.queries import the_office

CURRENCIES = (
    *("RUB", "EUR", "USD", "GBP", "UAH", "BYN", "KZT", "UZS", "KGS", "AMD", "AZN"),
    *("GEL", "MDL", "RSD", "BGN", "PLN", "TRY", "CNY"),
)


def currency(session: Session, country: str) -> str:
    """The office's currency (ISO 4217); while the head has chosen none that of its country (ISO 3166), '' for none."""
    return the_office(session).currency or of_country(country)


def of_country(country: str) -> str:
    """What is paid with in a country today; '' when that is not known."""
    found: list[str] = numbers.get_territory_currencies(country)
    return found[0] if found else ""


def named(currency: str) -> str:
    """Its name and code, for the reader."""
    return f"{numbers.get_currency_name(currency, locale=_locale())} ({currency})" if currency else "—"


def _locale() -> Locale:
    return get_locale() or Locale("en")


def shown(hundredths: int | None, currency: str = "") -> str:
    """12,500.50 as the reader writes it, with the currency's sign where he expects it, or without one; no .00 behind a
    whole amount; '' for none.
    """
    if hundredths is None:
        return ""
    amount = Decimal(hundredths) / 100
    if not currency:
        return format_decimal(amount, "#,##0.00" if hundredths % 100 else "#,##0")
    locale = _locale()
    pattern: str = locale.currency_formats["standard"].pattern
    if numbers.get_currency_symbol(currency, locale).isalpha():  # a code runs into the figures
        pattern = pattern.replace("¤#", "¤\xa0#")
    if hundredths % 100 == 0:
        pattern = pattern.replace(".00", "")
    return numbers.format_currency(amount, currency, pattern, locale, currency_digits=False)
