"""The keys of a talk: what its manager may ask now, what he has asked and waits for, and what was refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from sipbridge.events import CancelTransfer, Command, CompleteTransfer, HangUp, PauseRecording, ResumeRecording
from webapp.accounts.models import User
from webapp.calls import control, trace, transfers
from webapp.calls.models import BridgeCommand, Call, Transfer
from webapp.recordings.models import Recording
from webapp.recordings.picture import stopped_words
from webapp.switchboard import alone

PATIENCE = timedelta(seconds=6)
"""How long the page says "asking": a command is carried out at once or, after ten seconds, never."""
SHOWN_FOR = timedelta(seconds=30)
"""How long a quiet line says what was refused or what became of a passing-on."""

DOES = {
    "hold": "Hold",
    "resume": "Resume",
    "connect": "CompleteTransfer",
    "cancel": "CancelTransfer",
    "pause": "PauseRecording",
    "record": "ResumeRecording",
    "hangup": "HangUp",
}
"""The command behind each key; `pass` opens the panel."""
CONFIRMED = ("Hold", "Resume", "Transfer", "CompleteTransfer", "CancelTransfer", "HangUp")
"""Commands that end in an event by which they are known to be done; what a recording does shows by itself."""
LABELS: dict[str, Any] = {
    "hold": _l("Hold"),
    "resume": _l("Take back"),
    "pass": _l("Pass on"),
    "connect": _l("Connect"),
    "cancel": _l("Take back"),
    "pause": _l("Pause recording"),
    "record": _l("Record on"),
    "hangup": _l("Hang up"),
}
LETTERS = {
    "hold": "Z",
    "resume": "Z",
    "pass": "F",
    "connect": "J",
    "cancel": "U",
    "pause": "S",
    "record": "S",
    "hangup": "Q",
}


ASKS: dict[str, Callable[[str], Command]] = {
    "connect": CompleteTransfer,
    "cancel": CancelTransfer,
    "pause": PauseRecording,
    "record": ResumeRecording,
    "hangup": HangUp,
}


@dataclass(frozen=True)
class Key:
    """One key. `asking`: it was pressed, and the telephones have not answered yet; `on`: what it set lasts."""

    what: str
    label: Any
    letter: str
    asking: bool = False
    on: bool = False


@dataclass(frozen=True)
class Keys:
    """The keys of one talk and what is said beside them.

    `waits`: something was asked and is not done yet. `recording`: on, paused, or '' when nothing is recorded.
    `stopped`: why the recording ended before the talk. `notice`: what could not be done, and why.
    """

    keys: Sequence[Key] = ()
    waits: bool = False
    recording: str = ""
    notice: str = ""
    stopped: str = ""


def of(session: Session, call: Call, user: User, passing: Transfer | None, now: datetime) -> Keys:
    """What `user` may ask of `call` now; nothing when he doesn't have it. `passing`: the passing-on under way."""
    if not control.has_it(session, call, user):
        return Keys()
    last = control.last_asked(session, call)
    asked = last.kind if last and last.done_at is None and not last.refused and now - last.made_at < PATIENCE else ""
    if call.state in ("dialing", "calling"):
        return Keys(_keys(["hangup"], asked), bool(asked), notice=_notice(last, user, now))
    if without := "" if passing or call.state != "talking" else alone.of(session, [call.id]).get(call.id, ""):
        can = ["hangup"] if without == "returning" else []
        return Keys(_keys(can, asked), bool(asked), notice=_notice(last, user, now))
    recording = session.scalars(select(Recording).where(Recording.call_id == call.id, Recording.kind == "talk")).first()
    recorded = _recorded(call, recording)
    if asked == ("PauseRecording" if recorded == "paused" else "ResumeRecording"):
        asked = ""
    if passing:
        can = ["connect", "cancel"] if passing.attended else ["cancel"]
    elif call.held_at:
        can = [*(["resume"] if call.held_by == "page" else []), "pass", "hangup"]
    else:
        can = ["hold", "pass", *({"on": ["pause"], "paused": ["record"]}.get(recorded, [])), "hangup"]
    heard = not passing and call.held_at is None
    stopped = stopped_words(recording) if recording else ""
    return Keys(_keys(can, asked), bool(asked), recorded if heard else "", _notice(last, user, now), stopped)


def _recorded(call: Call, recording: Recording | None) -> str:
    never = call.client is not None and call.client.never_record
    if not (call.line and call.line.record) or never or (recording and recording.stopped):
        return ""
    return "paused" if recording and recording.paused else "on"


def _keys(can: Sequence[str], asked: str) -> list[Key]:
    return [
        Key(what, LABELS[what], LETTERS[what], bool(asked) and asked == DOES.get(what), what in ("resume", "record"))
        for what in can
    ]


def _notice(last: BridgeCommand | None, user: User, now: datetime) -> str:
    if last is None or last.made_by_id != user.id or now - last.made_at > SHOWN_FOR:
        return ""
    what = trace.COMMANDS.get(last.kind, last.kind)
    if last.refused:
        return _("%(what)s was not possible: %(why)s.", what=what, why=trace.WHY_NOT.get(last.refused, last.refused))
    if last.done_at is None and last.kind in CONFIRMED and now - last.made_at > PATIENCE:
        return _("%(what)s: the telephones do not answer.", what=what)
    return ""


def press(session: Session, call: Call, what: str, user: User, words: str, now: datetime) -> None:
    """Ask what the key says. One that is not offered now, or was pressed already, asks nothing."""
    offered = of(session, call, user, transfers.under_way(session, call, now), now)
    key = next((key for key in offered.keys if key.what == what), None)
    if key is None or key.asking:
        return
    if what == "hold":
        control.hold(session, call, user, words, now)
    elif what == "resume":
        control.take_back(session, call, user, now)
    elif what in ASKS:
        control.ask(session, ASKS[what](call.call_id), user, now)
