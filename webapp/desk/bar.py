"""The top bar: the call in words, numbers and a clock, and why it came here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from sipbridge.events import HeldBy
from webapp.accounts.models import User
from webapp.calls import control, dialled, intake, talking, trace
from webapp.calls.models import LIVE, Call
from webapp.desk import talk
from webapp.desk.queries import Mine, gone_lately, who_took
from webapp.office.queries import the_office
from webapp.pages import clock_time, duration, phone
from webapp.presence import answering, whereabouts
from webapp.presence.models import Presence
from webapp.roster import duty
from webapp.roster.models import Absence
from webapp.switchboard import keys as switch
from webapp.switchboard import news
from webapp.switchboard.keys import Keys
from webapp.tasks.models import Task
from webapp.tasks.queries import promises
from webapp.touches.models import Touch

MOST_OTHERS = 4


@dataclass(frozen=True)
class Other:
    """Another live call of mine, to turn to. `since`: epoch milliseconds its clock runs from."""

    touch_id: int
    state: str
    name: str
    word: str
    since: int
    clock: str


@dataclass(frozen=True)
class Held:
    """A caller of mine who hears the music. `words`: where the talk stopped; `front`: the one before me.

    `at_phone`: held at the telephone, where alone he can be taken back.
    """

    call_id: int
    touch_id: int
    name: str
    words: str
    since: int
    clock: str
    front: bool
    at_phone: bool


@dataclass(frozen=True)
class Bar:
    """What the bar shows; times in epoch milliseconds.

    `state`: idle, ended, gave (the caller speaks with somebody I passed him on to), or as `queries.Mine` tells it.
    """

    state: str
    server_now: int
    duty: str
    call: Call | None = None
    word: str = ""
    name: str = ""
    named: bool = False
    line: str = ""
    channel: str = ""
    menu: str = ""
    since: int | None = None
    clock: str = ""
    rings: int = 1
    ring_seconds: float = 5.0
    why: Sequence[str] = ()
    others: Sequence[Other] = ()
    more: int = 0
    held: Sequence[Held] = ()
    keys: Keys = field(default_factory=Keys)
    notice: str = ""
    promises: Sequence[Task] = ()
    """my open promises, the most pressing first"""
    presence: Presence | None = None
    """away, or writing down a talk; None at the desk"""
    absence: Absence | None = None
    """what the roster knows of my being away now"""
    nobody_left: bool = False
    """I am away by my own word, and nobody else is on duty"""

    @property
    def take_back(self) -> Held | None:
        """Whom one key takes back: the first who is held and not before me."""
        return next((one for one in self.held if not one.front and not one.at_phone), None)


def of(
    session: Session,
    user: User,
    touch: Touch | None,
    live: Sequence[Mine],
    shown: int | None,
    now: datetime,
    zone: ZoneInfo,
) -> Bar:
    """The bar for `touch`, the one the page shows. `shown`: what the browser had before it until now."""
    front = next((one for one in live if touch is not None and one.touch.id == touch.id), None)
    on_duty = ", ".join(
        _("%(name)s until %(time)s", name=entry.user.name, time=clock_time(entry.until))
        for entry in duty.on_duty(session, now)
        if entry.rank == duty.DUTY
    )
    held = [_held(session, one, user, one is front, now, zone) for one in live if one.state == "held"]
    waiting = [one for one in live if one is not front and one.state != "held"]
    others, more = [_other(one, now) for one in waiting[:MOST_OTHERS]], max(0, len(waiting) - MOST_OTHERS)
    call = touch.call if touch else None
    presence = whereabouts.said(session, user, now)
    away = presence is not None and presence.state == "away"
    my_own: dict[str, Any] = {
        "presence": presence,
        "absence": duty.absence_of(session, user, now),
        "nobody_left": away and answering.nobody_without(session, user, now),
        "promises": promises(session, user),
    }
    if touch is None or call is None:
        notice = _notice(session, user, touch, None, Keys(), shown, now)
        return Bar(
            "idle",
            epoch_ms(now),
            on_duty,
            others=others,
            more=more,
            held=held,
            notice=notice,
            **my_own,
        )
    keys = switch.of(session, call, user, front.passing, now) if front else Keys()
    state = front.state if front else "gave" if call.state in LIVE else call.state
    since, clock = _clock(call, front, now)
    ring_seconds = intake.ring_seconds(the_office(session), call.line)
    client = touch.client
    person = touch.person.full_name if touch.person else ""
    known = ", ".join(dict.fromkeys(part for part in (person, client.name if client else "") if part))
    return Bar(
        state=state,
        server_now=epoch_ms(now),
        duty=on_duty,
        call=call,
        word=word(call, state),
        name=known or caller_name(call),
        named=bool(known or call.caller_name),
        line=(call.line.title or call.line.name) if call.line else call.line_name,
        channel=call.line.channel.name if call.line and call.line.channel else "",
        menu=talking.menu_choice(call) or call.menu_digit,
        since=epoch_ms(since) if since else None,
        clock=clock,
        rings=rings_so_far(call, ring_seconds, now),
        ring_seconds=ring_seconds,
        why=() if front and front.taken else trace.why(call),
        others=others,
        more=more,
        held=held,
        keys=keys,
        notice=_notice(session, user, touch, front, keys, shown, now),
        **my_own,
    )


def _notice(
    session: Session,
    user: User,
    touch: Touch | None,
    front: Mine | None,
    keys: Keys,
    shown: int | None,
    now: datetime,
) -> str:
    """One quiet line, the most pressing: what was refused, who is being rung, what became of a call that was mine."""
    if keys.notice:
        return keys.notice
    if said := dialled.refused_lately(session, user, now):
        return said
    if front and front.state == "dialing":
        return _("Your telephone rings: pick it up, then the client is called.")
    if front and (goes_on := news.under_way(front.state, front.passing)):
        return goes_on
    if front and front.state == "left":
        return _("Nobody could be had; the caller hears the apology and may leave a message.")
    if touch and touch.call and (why_not := _came_to_nothing(session, touch.call)):
        return why_not
    if said := news.lately(session, user, touch.call_id if touch else None, now):
        return said
    said = ""
    if shown is not None and (touch is None or touch.id != shown):
        said = _gone(who_took(session, user, shown))
    if touch is None and not said:
        said = _gone(gone_lately(session, user, now))
    if not said and front and front.state in ("ringing", "greeted"):
        said = trace.silent_phone(session, front.call, user)
    return said


def _came_to_nothing(session: Session, call: Call) -> str:
    """Why a call of ours that is over was no talk; '' for every other call."""
    if call.direction != "out" or call.state != "ended" or call.answered_at:
        return ""
    last = control.last_asked(session, call)
    if last is not None and last.kind == "Dial" and last.refused:
        return trace.sentence("refused", {"command": last.kind, "why": last.refused})
    if call.rings == 0 and call.end_reason != "failed":
        return _("The call was given up on our side before the client answered.")
    return trace.sentence(f"ended_out_{call.end_reason}", {})


def word(call: Call, state: str) -> str:
    """The state of a call in one word. `state` as `queries.Mine` tells it."""
    return {
        "dialing": _("Dialing"),
        "calling": _("Calling"),
        "ringing": _("Ringing"),
        "greeted": _("Greeting"),
        "talking": _("Talking"),
        "held": _("On hold"),
        "passing": _("Passing on"),
        "passing_blind": _("Passing on"),
        "consulting": _("Consulting"),
        "passed": _("Ringing"),
        "consulted": _("Consulting"),
        "returning": _("Coming back"),
        "left": _("Leaves a message"),
        "gave": _("Passed on"),
    }.get(state, _("Missed call") if call.is_missed else _("Ended"))


def caller_name(call: Call) -> str:
    """What is known of the caller when there is no card: the network's word, else how many cards it may be."""
    if not call.caller_name and call.candidates:
        return ngettext("One of %(num)d client", "One of %(num)d clients", len(call.candidates))
    return call.caller_name or (_("Unknown caller") if call.number or call.address else _("Hidden number"))


def rings_so_far(call: Call, ring_seconds: float, now: datetime) -> int:
    """The ring that sounds now, from 1; a call that is not ringing keeps its count."""
    if call.state not in ("ringing", "greeted"):
        return call.rings
    return max(1, int((now - call.offered_at).total_seconds() // ring_seconds) + 1)


def _clock(call: Call, mine: Mine | None, now: datetime) -> tuple[datetime | None, str]:
    """Since when the clock runs (None: it stands), and what it shows now."""
    if call.state == "ended":
        return None, duration(call.talk_seconds or call.ring_seconds)
    since = call.answered_at if call.state == "talking" and call.answered_at else call.offered_at
    if mine and mine.state == "held" and call.held_at:
        since = call.held_at
    elif mine and mine.passing:
        since = mine.passing.started_at
    return since, duration((now - since).total_seconds())


def _other(one: Mine, now: datetime) -> Other:
    since, clock = _clock(one.call, one, now)
    return Other(one.touch.id, one.state, _name(one), word(one.call, one.state), epoch_ms(since or now), clock)


def _name(one: Mine) -> str:
    client = one.touch.client or one.call.client
    name = (client.name if client else "") or one.call.caller_name or phone(one.call.number) or one.call.address
    return name or _("Hidden number")


def _held(session: Session, one: Mine, user: User, front: bool, now: datetime, zone: ZoneInfo) -> Held:
    since = one.call.held_at or now
    return Held(
        call_id=one.call.id,
        touch_id=one.touch.id,
        name=_name(one),
        words=one.call.held_words or talk.stopped_at(session, one.touch, user, now, zone)[: control.LONGEST_WORDS],
        since=epoch_ms(since),
        clock=duration((now - since).total_seconds()),
        front=front,
        at_phone=one.call.held_by == HeldBy.PHONE,
    )


def _gone(call: Call | None) -> str:
    """A quiet line about a call that was before me and isn't mine any more."""
    if call is None:
        return ""
    name = call.client.name if call.client else caller_name(call)
    if call.answered_by:
        return _("%(who)s took the call: %(caller)s.", who=call.answered_by.name, caller=name)
    if call.end_reason == "answered_elsewhere":
        return _("Another telephone took the call: %(caller)s. Its row is among your unfinished ones.", caller=name)
    if call.is_missed:
        return _("The caller hung up: %(caller)s. It is among the missed calls.", caller=name)
    return ""


def epoch_ms(at: datetime) -> int:
    """Milliseconds since 1970, as a page's clock counts them."""
    return int(at.timestamp() * 1000)
