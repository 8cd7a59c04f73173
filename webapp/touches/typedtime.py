"""Days and times as people type them: завтра 10, 12.03 15:00, tomorrow 10:00, in 2 h, пн 9.30, 12 Mar.

The day stands before the month. A day without a year is the nearest one: ahead for what is owed, behind for what was.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from webapp.touches import officetime

NOON = time(12)
FARTHEST = timedelta(days=3 * 366)
LONGEST = 60

DAYS = {
    **dict.fromkeys(("today", "сегодня", "сег"), 0),
    **dict.fromkeys(("tomorrow", "tmrw", "завтра", "завт"), 1),
    **dict.fromkeys(("day after tomorrow", "послезавтра"), 2),
    **dict.fromkeys(("yesterday", "вчера"), -1),
    **dict.fromkeys(("day before yesterday", "позавчера"), -2),
}
WEEKDAYS = (
    ("mon", "пн", "понедельник"),
    ("tue", "вт", "вторник"),
    ("wed", "ср", "сред"),
    ("thu", "чт", "четверг"),
    ("fri", "пт", "пятниц"),
    ("sat", "сб", "суббот"),
    ("sun", "вс", "воскресень"),
)
MONTHS = (
    *(("jan", "янв"), ("feb", "фев"), ("mar", "мар"), ("apr", "апр"), ("may", "май", "мая"), ("jun", "июн")),
    *(("jul", "июл"), ("aug", "авг"), ("sep", "сен"), ("oct", "окт"), ("nov", "ноя"), ("dec", "дек")),
)
UNITS = (
    (("мес", "month"), timedelta(days=30)),
    (("мин", "min", "m"), timedelta(minutes=1)),
    (("час", "ч", "hour", "h"), timedelta(hours=1)),
    (("дн", "ден", "day", "d", "д"), timedelta(days=1)),
    (("нед", "week", "w"), timedelta(weeks=1)),
)

_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})[t ]*")
_DOTTED = re.compile(r"(\d{1,2})[./-](\d{1,2})(?:[./-](\d{4}|\d{2}))?(?![\d:])\.?\s*")
_NAMED = re.compile(
    r"(\d{1,2})(?:st|nd|rd|th|-?го)?\s*([^\W\d_]+)\.?(?:\s+(\d{4}))?(?![\d:])\s*|([^\W\d_]+)\.?\s+(\d{1,2})(?![\d:])\s*"
)
_CLOCK = re.compile(r"(\d{1,2})(?:[:.\-]?(\d{2}))?\s*(?:ч|час|часов|h|o'clock)?\.?\s*(am|pm)?", re.ASCII | re.I)
_IN = re.compile(r"(?:через|in)\s+(?:(\d{1,3})\s*)?([^\W\d_]+)\.?")
_SMALL = re.compile(r"^(?:в|во|на|к|at|on|by|the|next)\s+")


class BadTime(ValueError):
    """Words that name no time; the message says how to write one, in the reader's language."""


def moment(text: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    """The instant that `text` means, in UTC, seen from `now`; None for an empty text.

    A day alone means ten o'clock; an hour alone its next coming. Raises BadTime.
    """
    words = _tidy(text)
    if not words:
        return None
    here = now.astimezone(zone)
    if found := _IN.fullmatch(words):
        return _later(found, now, zone)
    day, rest = _day(words, here.date(), ahead=True)
    clock = _clock(rest)
    if rest and clock is None:
        raise _unread()
    if day is None and clock is None:
        raise _unread()
    if day is not None and abs(day - here.date()) > FARTHEST:
        raise _years_away()
    at = _on_the_clock(day or here.date(), clock or officetime.TOMORROW_AT, zone)
    if day is None and at <= now:
        at = _on_the_clock(here.date() + timedelta(days=1), clock or officetime.TOMORROW_AT, zone)
    if abs(at - now) > FARTHEST:
        raise _years_away()
    return at


def day(text: str, now: datetime, zone: ZoneInfo) -> date:
    """The day that `text` means, today or before; today for an empty text. Raises BadTime, for a day to come too."""
    today = now.astimezone(zone).date()
    words = _tidy(text)
    if not words:
        return today
    found, rest = _day(words, today, ahead=False)
    if found is None or rest:
        raise BadTime(_("Type a day: today, yesterday, 12.03."))
    if found > today:
        raise BadTime(_("This day is still to come."))
    if today - found > FARTHEST:
        raise _years_away()
    return found


def _tidy(text: str) -> str:
    words = " ".join(text[:LONGEST].casefold().replace("ё", "е").replace(",", " ").split())
    return _SMALL.sub("", words)


def _later(found: re.Match[str], now: datetime, zone: ZoneInfo) -> datetime:
    count, word = int(found[1] or 1), found[2]
    step = next((step for names, step in UNITS if any(word.startswith(name) for name in names)), None)
    if step is None or count * step > FARTHEST:
        raise _unread()
    if step < timedelta(days=1):
        return now.astimezone(UTC).replace(second=0, microsecond=0) + count * step
    return _on_the_clock(now.astimezone(zone).date() + count * step, officetime.TOMORROW_AT, zone)


def _day(words: str, today: date, *, ahead: bool) -> tuple[date | None, str]:
    """The day at the beginning of `words` and what follows it; None when no day is named there."""
    for name in sorted(DAYS, key=len, reverse=True):
        if words == name or words.startswith(name + " "):
            return today + timedelta(days=DAYS[name]), _SMALL.sub("", words[len(name) :].strip())
    first, _blank, rest = words.partition(" ")
    for number, names in enumerate(WEEKDAYS):
        if first.rstrip(".").startswith(names) and first.rstrip(".").isalpha():
            gap = (number - today.weekday()) % 7
            step = (gap or 7) if ahead else gap - 7 if gap else 0
            return today + timedelta(days=step), _SMALL.sub("", rest)
    if found := _ISO.match(words):
        return _date(found[1], found[2], found[3], today, ahead), words[found.end() :]
    if (found := _DOTTED.match(words)) and int(found[2]) <= 12:
        return _date(found[3], found[2], found[1], today, ahead), _SMALL.sub("", words[found.end() :])
    if found := _NAMED.match(words):
        dom, name = found[1] or found[5], found[2] or found[4]
        month = next((str(place) for place, names in enumerate(MONTHS, 1) if name.startswith(names)), None)
        if month:
            return _date(found[3], month, dom, today, ahead), _SMALL.sub("", words[found.end() :])
    return None, words


def _date(year: str | None, month: str, number: str, today: date, ahead: bool) -> date:
    try:
        if year:
            return date(int(year) + (2000 if len(year) == 2 else 0), int(month), int(number))
        for step in (0, 1) if ahead else (0, -1):
            found = date(today.year + step, int(month), int(number))
            if (found >= today) if ahead else (found <= today):
                return found
        return found
    except ValueError:
        raise BadTime(_("There is no such day.")) from None


def _clock(words: str) -> time | None:
    found = _CLOCK.fullmatch(words) if words else None
    if found is None:
        return None
    hour, minute, half = int(found[1]), int(found[2] or 0), found[3]
    if half and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half == "pm" else 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None


def _on_the_clock(on: date, at: time, zone: ZoneInfo) -> datetime:
    found = officetime.instant(datetime.combine(on, at), zone)
    if found is None:
        raise BadTime(_("The clocks go forward then: there is no such hour."))
    return found


def _years_away() -> BadTime:
    return BadTime(_("That is years away; look at the date again."))


def _unread() -> BadTime:
    return BadTime(_("Type a day and a time: tomorrow 10, 12.03 15:00, in 2 h."))
