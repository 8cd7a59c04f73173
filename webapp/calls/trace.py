"""A call's trace: what happened to it and why, stored as keys with facts, shown as sentences in any language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask_babel import format_decimal, format_time, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.calls.models import Call, CallTrace
from webapp.calls.routing import Who
from webapp.clients.match import reason_text
from webapp.pages import clock_time, moment

COMMANDS: dict[str, LazyString] = {
    "Hold": _l("Putting the caller on hold"),
    "Resume": _l("Taking the caller back"),
    "Transfer": _l("Passing the caller on"),
    "CompleteTransfer": _l("Connecting the two"),
    "CancelTransfer": _l("Taking the caller back"),
    "JoinCalls": _l("Joining the two calls"),
    "PauseRecording": _l("Pausing the recording"),
    "ResumeRecording": _l("Recording on"),
    "ForbidRecording": _l("Ending the recording"),
    "Dial": _l("Calling a number"),
    "HangUp": _l("Hanging up"),
}
"""What was asked of the bridge, as people call it."""

WHY_NOT: dict[str, LazyString] = {
    "no_call": _l("the call is over"),
    "not_now": _l("not at this moment of the talk"),
    "no_phone": _l("the telephone could not be reached"),
    "no_line": _l("no line is there to dial through"),
    "bad_target": _l("it can't be dialled"),
    "failed": _l("something broke"),
}
"""Why the bridge did not do it."""


WHO: dict[Who, LazyString] = {
    "matter": _l("Owner of the open deal"),
    "owner": _l("The client's own manager"),
    "asked": _l("Whose own number was dialled"),
    "worked": _l("Who spoke with the caller last"),
    "region": _l("Those of the client's region"),
    "duty": _l("On duty, or the people of the line"),
    "backup": _l("Backups"),
    "head": _l("Head of sales"),
}
"""Whom a step of a line's order rings."""


def add(session: Session, call: Call, at: datetime, kind: str, **facts: Any) -> None:
    """Write one line of the trace."""
    session.add(CallTrace(call_id=call.id, at=at, kind=kind, facts=facts))


def sentences(session: Session, call: Call) -> list[tuple[datetime, str]]:
    """The whole trace in order, in the reader's language."""
    rows = session.scalars(select(CallTrace).where(CallTrace.call_id == call.id).order_by(CallTrace.at, CallTrace.id))
    return [(row.at, sentence(row.kind, row.facts)) for row in rows]


def sentence(kind: str, facts: dict[str, Any]) -> str:
    """One line in words; an unknown kind is shown as it is."""
    name = str(facts.get("name") or _("an unknown extension"))
    to, seconds = str(facts.get("to", "")), _number(facts.get("seconds", ""))
    texts = {
        "offered": lambda: _("The call reached line %(line)s.", line=facts.get("line", "")),
        "matched": lambda: _(
            "Card opened: %(client)s (%(reason)s).",
            client=facts.get("client") or _("no name"),
            reason=reason_text(facts.get("reason", "")),
        ),
        "candidates": lambda: ngettext(
            "%(num)d card may be the caller's; it was offered for choice.",
            "%(num)d cards may be the caller's; they were offered for choice.",
            int(facts.get("count", 0)),
        ),
        "unknown": lambda: _("No card has this number; a new one was prepared."),
        "no_number": lambda: _(
            "The caller's address %(address)s is no number; a card without a number was prepared.",
            address=facts.get("address", ""),
        ),
        "hidden": lambda: _("The number is hidden; a card without a number was prepared."),
        "plan": lambda: _("The bridge took the desk's plan."),
        "standing_plan": lambda: _("The desk was late or away; the bridge followed its standing plan."),
        "rung": lambda: _("%(name)s was rung.", name=name),
        "leg_busy": lambda: _("%(name)s was busy.", name=name),
        "leg_rejected": lambda: _("%(name)s declined.", name=name),
        "leg_no_answer": lambda: _("%(name)s did not pick up.", name=name),
        "leg_unreachable": lambda: _("The phone of %(name)s could not be reached.", name=name),
        "leg_cancelled": lambda: _("The phone of %(name)s stopped ringing.", name=name),
        "greeting": lambda: _("The caller heard the greeting on ring %(rings)s.", rings=facts.get("rings", "")),
        "answered": lambda: _(
            "%(name)s spoke with the caller after %(seconds)s s, on ring %(rings)s.",
            name=name,
            seconds=seconds,
            rings=facts.get("rings", ""),
        ),
        "apology": lambda: _("Nobody picked up; the caller heard the apology."),
        "promise": lambda: _("A call within %(minutes)s min was promised.", minutes=facts.get("minutes", "")),
        "ended_completed": lambda: _("The talk ended after %(seconds)s s.", seconds=seconds),
        "ended_abandoned": lambda: _("The caller gave up after %(seconds)s s.", seconds=seconds),
        "ended_answered_elsewhere": lambda: _("Another phone took the call."),
        "ended_no_answer": lambda: _("The call ended without an answer."),
        "ended_rejected": lambda: _("The call was refused."),
        "ended_failed": lambda: _("The call broke off."),
        "ended_redirected": lambda: _("The caller was sent on to the manager's telephone."),
        "notice": lambda: _("Both heard that the talk is recorded."),
        "recording": lambda: _("The recording is ready, %(seconds)s s.", seconds=seconds),
        "recording_paused": lambda: _("The recording was paused."),
        "recording_resumed": lambda: _("The recording went on."),
        "recording_disk_full": lambda: _(
            "The disk is full: the recording stopped after %(seconds)s s.", seconds=seconds
        ),
        "recording_unwritable": lambda: _(
            "The recording could not be written and stopped after %(seconds)s s.", seconds=seconds
        ),
        "recording_forbidden": lambda: _("This client is never recorded: what there was is deleted."),
        "recording_forgotten": lambda: _("The recording was deleted after %(days)s days.", days=facts.get("days", "")),
        "recording_held": lambda: _(
            "%(name)s keeps the recording: %(reason)s", name=name, reason=facts.get("reason", "")
        ),
        "recording_released": lambda: _(
            "%(name)s no longer keeps the recording for: %(reason)s", name=name, reason=facts.get("reason", "")
        ),
        "message_left": lambda: _("The caller left a message of %(seconds)s s.", seconds=seconds),
        "held_page": lambda: _("The caller was put on hold."),
        "held_phone": lambda: _("The caller was put on hold at the telephone."),
        "held_caller": lambda: _("The caller put us on hold."),
        "resumed": lambda: _("The talk went on."),
        "menu": lambda: _(
            "The caller pressed %(digit)s in the menu%(title)s.",
            digit=facts.get("digit", ""),
            title=f": {facts['title']}" if facts.get("title") else "",
        ),
        "placed": lambda: _("%(name)s calls %(number)s.", name=name, number=facts.get("number", "")),
        "client_ringing": lambda: _("The client's telephone rings."),
        "client_answered": lambda: _("The client answered %(name)s after %(seconds)s s.", name=name, seconds=seconds),
        "ended_out_completed": lambda: _("The talk ended after %(seconds)s s.", seconds=seconds),
        "ended_out_abandoned": lambda: _("We hung up before anybody answered."),
        "ended_out_no_answer": lambda: _("The client did not pick up."),
        "ended_out_rejected": lambda: _("The client declined or was busy."),
        "ended_out_failed": lambda: _("The call could not be made."),
        "attempt": lambda: ngettext(
            "That was attempt %(num)d to reach this number since the last talk.",
            "That was attempt %(num)d to reach this number since the last talk.",
            int(facts.get("count") or 1),
        ),
        "transfer_asked": lambda: _("%(name)s asked at the telephone to pass the caller on.", name=name),
        "transfer_forbidden": lambda: _("That was not allowed: no such colleague, or no number that may be dialled."),
        "transfer_attended": lambda: _("%(name)s rings %(to)s before passing the caller on.", name=name, to=to),
        "transfer_blind": lambda: _("%(name)s passes the caller on to %(to)s.", name=name, to=to),
        "consultation": lambda: _("%(to)s picked up and speaks with the manager; the caller waits.", to=to),
        "transferred": lambda: _("The caller speaks with %(to)s now.", to=to),
        "transfer_busy": lambda: _("%(to)s was busy; the caller goes back.", to=to),
        "transfer_rejected": lambda: _("%(to)s declined; the caller goes back.", to=to),
        "transfer_no_answer": lambda: _("%(to)s did not pick up; the caller goes back.", to=to),
        "transfer_unreachable": lambda: _("%(to)s could not be reached; the caller goes back.", to=to),
        "returning": lambda: _("%(name)s is rung again for the caller.", name=name),
        "transfer_cancelled": lambda: _("The caller was taken back."),
        "refused": lambda: _(
            "%(command)s was not possible: %(why)s.",
            command=COMMANDS.get(str(facts.get("command")), facts.get("command", "")),
            why=WHY_NOT.get(str(facts.get("why")), facts.get("why", "")),
        ),
        "made_good": lambda: _("Made good: a manager spoke with this number later."),
        "rang_back": lambda: _("Made good: %(name)s rang back and spoke with this number.", name=name),
        "missed_told": lambda: _("Nobody had rung back: told to %(names)s.", names=facts.get("names") or "—"),
        "waits_again": lambda: _("It waits again: the talk that had made it good was over before anybody spoke."),
        "closed_with_reason": lambda: _("Closed with a reason: %(reason)s", reason=facts.get("reason", "")),
        "chosen": lambda: _("%(name)s chose the card %(client)s.", name=name, client=facts.get("client", "")),
        "not_this_one": lambda: _(
            "%(name)s said that it is not %(client)s.", name=name, client=facts.get("client", "")
        ),
        "card_made": lambda: _("%(name)s made the card %(client)s.", name=name, client=facts.get("client", "")),
    }
    if kind.startswith("routed_"):
        return why_me({"reason": kind.removeprefix("routed_"), **facts})
    return texts[kind]() if kind in texts else kind


def _number(value: Any) -> str:
    """Seconds as the reader writes them: 5.3 or 5,3."""
    return format_decimal(value) if isinstance(value, (int, float)) else str(value)


def silent_phone(session: Session, call: Call, user: User) -> str:
    """Why the phone of `user` does not ring (any more) in a call that goes on, and who is rung now; '' when it rings.

    One line of the trace is one phone's: an extension that was rung last rings still.
    """
    texts = {
        "leg_busy": lambda: _("Your phone was busy."),
        "leg_rejected": lambda: _("Your phone declined the call."),
        "leg_no_answer": lambda: _("Your phone was not picked up."),
        "leg_unreachable": lambda: _("Your phone could not be reached."),
    }
    rows = session.scalars(
        select(CallTrace)
        .where(CallTrace.call_id == call.id, CallTrace.kind.in_(("rung", "leg_cancelled", *texts)))
        .order_by(CallTrace.at, CallTrace.id)
    )
    last = {row.facts.get("extension"): row for row in rows}
    own = last.pop(user.extension, None)
    if own is None or own.kind not in texts:
        return ""
    rung = ", ".join(str(row.facts.get("name", "")) for row in last.values() if row.kind == "rung")
    return " ".join([texts[own.kind](), *([_("Being rung now: %(who)s.", who=rung)] if rung else [])])


def why_card(call: Call) -> str:
    """Why this card is open, in words."""
    reason = call.why_client.get("reason", "")
    if reason == "candidates":
        return ngettext(
            "%(num)d card may be the caller's: choose.",
            "%(num)d cards may be the caller's: choose.",
            int(call.why_client.get("count", 0)),
        )
    if reason == "unknown":
        return _("No card has this number.")
    if reason == "no_number":
        return _("No number: the caller's address is %(address)s.", address=call.why_client.get("address", ""))
    if reason == "hidden":
        return _("The number is hidden.")
    return _("Matched: %(reason)s.", reason=reason_text(reason)) if reason else ""


def why_me(routed: dict[str, Any]) -> str:
    """Why the call rings where it rings, in words, and who was passed over. `routed` is `Call.why_routed`."""
    name, rung, who = (str(routed.get(key, "")) for key in ("name", "rung", "duty"))
    until = routed.get("until") or ""
    if line_people := str(routed.get("line_people", "")):
        on_duty = _("this line's calls are taken by %(name)s", name=line_people)
    elif who and until:
        on_duty = _(
            "on duty until %(time)s: %(name)s", time=format_time(datetime.fromisoformat(until), "HH:mm"), name=who
        )
    else:
        on_duty = _("on duty: %(name)s", name=who) if who else _("nobody is on duty")
    if rung and rung not in (who, line_people):
        on_duty += "; " + _("rings %(name)s", name=rung)
    away = where_words(str(routed.get("why") or "away"), str(routed.get("why_until") or ""))
    texts = {
        "matter_owner": lambda: _("Rings %(name)s, who has an open matter with this client.", name=name),
        "own_manager": lambda: _("Rings %(name)s, the client's own manager.", name=name),
        "own_manager_away": lambda: _(
            "%(name)s, the client's manager, can't be rung (%(why)s); %(duty)s.", name=name, why=away, duty=on_duty
        ),
        "asked_for": lambda: _("Rings %(name)s, whose own number was dialled.", name=name),
        "asked_for_away": lambda: _(
            "%(name)s, whose own number was dialled, can't be rung (%(why)s); %(duty)s.",
            name=name,
            why=away,
            duty=on_duty,
        ),
        "worked_with": lambda: _("Rings %(name)s, who spoke with this caller last.", name=name),
        "region": lambda: _("Rings %(name)s, the manager of the region.", name=name),
        "line": lambda: _("Rings %(name)s, who takes this line's calls.", name=name),
        "line_order": lambda: _("Rings %(name)s: the order of this line.", name=name),
        "duty": lambda: _("No manager assigned; %(duty)s.", duty=on_duty),
        "backup": lambda: _("Nobody on duty can be rung; rings %(name)s, the backup.", name=name),
        "head": lambda: _("Nobody on duty can be rung; rings %(name)s, head of sales.", name=name),
        "nobody_on_duty": lambda: (
            _("Nobody is on duty now; rings %(name)s.", name=rung) if rung else _("Nobody is on duty now.")
        ),
        "nobody_can": lambda: _("Nobody can be rung: the caller hears the apology and is promised a call."),
    }
    said = texts.get(str(routed.get("reason")), lambda: "")()
    shown = str(routed.get("name", "")) if routed.get("why") else ""
    passed = [one for one in routed.get("passed_over") or () if one.get("name") != shown]
    return " ".join(part for part in (said, passed_words(passed)) if part)


def passed_words(passed: Sequence[Mapping[str, Any]]) -> str:
    """Who was passed over, each with his reason; '' for nobody. Who is busy rings all the same, after the others."""
    each = [
        f"{one.get('name', '')} ({where_words(str(one.get('why')), str(one.get('until') or ''))})" for one in passed
    ]
    return _("Passed over: %(who)s.", who=", ".join(each)) if each else ""


def where_words(state: str, until: str = "") -> str:
    """Why somebody is not rung in his place. `until` is ISO 8601, '' where nobody knows."""
    if state == "absent" and until:
        return _("absent until %(time)s", time=_by(until))
    if state == "away" and until:
        return _("away until %(time)s", time=_by(until))
    return {
        "absent": _("absent"),
        "away": _("away from the desk"),
        "talk": _("in a talk"),
        "wrap_up": _("writing down a talk"),
        "off": _("off work"),
        "left": _("works here no more"),
        "no_phone": _("no telephone"),
    }.get(state, state)


def _by(until: str) -> str:
    """The time alone when it is today."""
    at = datetime.fromisoformat(until)
    words = moment(at)
    return clock_time(at) if words == _("today %(time)s", time=clock_time(at)) else words


def why(call: Call) -> list[str]:
    """The line under the pop: why this card, why me."""
    return [text for text in (why_card(call), why_me(call.why_routed)) if text]
