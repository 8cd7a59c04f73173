"""Calls as the desk knows them: each with its audience, its trace, and what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, ColumnElement, ForeignKey, Index, String, Text, and_
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.accounts.models import User
from webapp.clients.models import Client
from webapp.db import Model, UtcDateTime, open_rows
from webapp.office.models import Line

if TYPE_CHECKING:
    from webapp.recordings.models import Recording

LIVE = ("dialing", "calling", "ringing", "greeted", "talking")
"""States of a call that goes on."""
RINGING = ("dialing", "ringing", "greeted")
"""States in which a manager's telephone may ring."""
PASSING = ("asked", "ringing", "consulting")
"""States of a passing-on that is under way."""
TAKEN_ELSEWHERE = ("answered_elsewhere", "redirected")
"""End reasons of calls that went to a telephone this desk does not see."""


class Call(Model):
    """One caller's attempt, or a call of ours. `state`: ringing, greeted (hears the greeting), talking, ended; an
    outbound call begins with dialing (the manager's phone rings), then calling (the client's phone rings).

    `direction`: in or out. A talk is on hold since `held_at`, by `held_by` (`sipbridge.events.HeldBy`), and stopped
    at `held_words` (D23). `redirects` counts how often the caller was passed on (D17). `notice_text` and
    `notice_version` say what both were told before the recording.

    `number` is E.164 when the caller's number could be read, else its digits as sent, '' when hidden.
    `situation` is the script's entry. `duty_ids`: who was on duty when it came. `asked_for_id`: the employee whose own
    number was dialled (D13). A call that ended without a manager speaking is missed until `missed_closed_at` (D22);
    `missed_how`: in (they rang again), out (we rang back), reason. `missed_told`: how far it was escalated, 1 to the
    backups, 2 to the head.
    """

    __tablename__ = "call"
    __table_args__ = (
        Index("ix_call_number_offered", "number", "offered_at"),
        open_rows(
            "ix_call_unspoken",
            *("direction", "state", "offered_at"),
            where="answered_at IS NULL AND missed_closed_at IS NULL",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[str] = mapped_column(String(80), unique=True)
    line_name: Mapped[str] = mapped_column(String(80), default="")
    line_id: Mapped[int | None] = mapped_column(ForeignKey("line.id"))
    number: Mapped[str] = mapped_column(String(40), default="")
    caller_number: Mapped[str] = mapped_column(String(120), default="")
    caller_name: Mapped[str] = mapped_column(String(120), default="")
    dialed_number: Mapped[str] = mapped_column(String(120), default="")
    offered_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    state: Mapped[str] = mapped_column(String(12), default="ringing", index=True)
    situation: Mapped[str] = mapped_column(String(30), default="new_caller")
    client_id: Mapped[int | None] = mapped_column(ForeignKey("client.id", ondelete="SET NULL"), index=True)
    candidates: Mapped[list[Any]] = mapped_column(JSON, default=list)
    """[{"client_id", "reason", "sure"}] of clients that may be the caller, best first."""
    why_client: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    why_routed: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    greeted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    rings: Mapped[int] = mapped_column(default=0)
    ring_seconds: Mapped[float] = mapped_column(default=0.0)
    talk_seconds: Mapped[float] = mapped_column(default=0.0)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    end_reason: Mapped[str] = mapped_column(String(24), default="")
    direction: Mapped[str] = mapped_column(String(4), default="in")
    placed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    held_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    held_by: Mapped[str] = mapped_column(String(8), default="")
    held_words: Mapped[str] = mapped_column(String(200), default="")
    redirects: Mapped[int] = mapped_column(default=0)
    menu_digit: Mapped[str] = mapped_column(String(1), default="")
    notice_text: Mapped[str] = mapped_column(Text, default="")
    notice_version: Mapped[str] = mapped_column(String(20), default="")
    missed_closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    missed_closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    missed_reason: Mapped[str] = mapped_column(Text, default="")
    missed_how: Mapped[str] = mapped_column(String(8), default="")
    missed_told: Mapped[int] = mapped_column(default=0)
    duty_ids: Mapped[list[int]] = mapped_column(JSON, default=list)
    asked_for_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    line: Mapped[Line | None] = relationship()
    client: Mapped[Client | None] = relationship()
    answered_by: Mapped[User | None] = relationship(foreign_keys=[answered_by_id])
    placed_by: Mapped[User | None] = relationship(foreign_keys=[placed_by_id])
    missed_closed_by: Mapped[User | None] = relationship(foreign_keys=[missed_closed_by_id])
    asked_for: Mapped[User | None] = relationship(foreign_keys=[asked_for_id])
    recordings: Mapped[list[Recording]] = relationship(back_populates="call", passive_deletes=True)

    @property
    def address(self) -> str:
        """What the caller's address says when it is no number, such as sales-Bob.x; '' for a number or a hidden one."""
        return "" if self.number else self.caller_number

    def recording(self, kind: str = "talk") -> Recording | None:
        """What was recorded: of the talk, or the voice message (`message`); also when it is no longer kept."""
        return next((recording for recording in self.recordings if recording.kind == kind), None)

    @property
    def is_missed(self) -> bool:
        """They called, it ended, and no manager spoke; a call taken or sent elsewhere is none of these."""
        return (
            self.direction == "in"
            and self.state == "ended"
            and self.answered_at is None
            and self.end_reason not in TAKEN_ELSEWHERE
        )


def is_missed() -> ColumnElement[bool]:
    """The condition on Call that `Call.is_missed` is in Python."""
    return and_(
        Call.direction == "in",
        Call.state == "ended",
        Call.answered_at.is_(None),
        Call.end_reason.not_in(TAKEN_ELSEWHERE),
    )


def is_open_missed() -> ColumnElement[bool]:
    """The condition on Call: ended, no manager spoke, and nobody has made it good or closed it."""
    return and_(is_missed(), Call.missed_closed_at.is_(None))


class Transfer(Model):
    """One passing-on of a caller (D27). `state`: asked, ringing, consulting, done, failed, cancelled.

    `to_target` is what the bridge was asked to ring, `to_text` how people call it; `briefing` is what the colleague
    reads before he speaks.
    """

    __tablename__ = "transfer"

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"), index=True)
    from_user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    to_user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)
    to_target: Mapped[str] = mapped_column(String(200), default="")
    to_text: Mapped[str] = mapped_column(String(120), default="")
    attended: Mapped[bool] = mapped_column(default=False)
    briefing: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(String(12), default="asked")
    why: Mapped[str] = mapped_column(String(20), default="")
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    call: Mapped[Call] = relationship()
    from_user: Mapped[User | None] = relationship(foreign_keys=[from_user_id])
    to_user: Mapped[User | None] = relationship(foreign_keys=[to_user_id])


class BridgeCommand(Model):
    """Something asked of the bridge; its id is the place in the stream.

    `done_at` is when the bridge's event told that it was done; `refused` is its word why not.
    """

    __tablename__ = "bridge_command"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[str] = mapped_column(String(80), index=True)
    kind: Mapped[str] = mapped_column(String(24))
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    refused: Mapped[str] = mapped_column(String(20), default="")


class RefusedDial(Model):
    """What a user's own softphone dialled last in vain, and `why` in his language: his page says so for a while."""

    __tablename__ = "refused_dial"

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[str] = mapped_column(String(80), default="")
    why: Mapped[str] = mapped_column(String(300), default="")
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class CallAudience(Model):
    """Who may see a call pop, and how far it went with each: planned, rung, taken, gone, gave.

    Only `rung` and `taken` show the pop; `gone`: it was rung, then a colleague took it or the caller left; `gave`:
    passed the caller on, and may still read.
    """

    __tablename__ = "call_audience"
    __table_args__ = (Index("uq_call_audience", "call_id", "user_id", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    step: Mapped[int] = mapped_column(default=0)
    extension: Mapped[str] = mapped_column(String(200), default="")
    state: Mapped[str] = mapped_column(String(10), default="planned")
    call: Mapped[Call] = relationship()
    user: Mapped[User] = relationship()


def seat_of(user_id: int) -> ColumnElement[bool]:
    """The condition that a seat in a live call is this user's.

    Written so that the search begins with the few live calls: of his seats there are tens of thousands after a year.
    """
    return CallAudience.user_id + 0 == user_id


class CallTrace(Model):
    """One line of a call's trace: `kind` names the sentence (`calls/trace.py`), `facts` fill it."""

    __tablename__ = "call_trace"

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    kind: Mapped[str] = mapped_column(String(40))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class BridgeEvent(Model):
    """An event of the bridge that has taken effect: it is never applied twice."""

    __tablename__ = "bridge_event"

    event_id: Mapped[str] = mapped_column(String(80), primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    received_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class LineState(Model):
    """Whether a line is registered at its PBX or trunk, as the bridge last said: `since` when, and its last error."""

    __tablename__ = "line_state"

    line: Mapped[str] = mapped_column(String(80), primary_key=True)
    registered: Mapped[bool] = mapped_column()
    detail: Mapped[str] = mapped_column(String(200), default="")
    since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str] = mapped_column(String(200), default="")
    last_error_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class BridgeStatus(Model):
    """A bridge's last heartbeat: when, and what it said of itself (counters, live calls, lines, phones).

    `name` tells several bridges of one desk apart, '' for the only one. `started_at` and `ended_why` are of its last
    start: when, and what had ended it before ('' for a clean end).
    """

    __tablename__ = "bridge_status"
    __table_args__ = (Index("uq_bridge_status_name", "name", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), default="")
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    status: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_why: Mapped[str] = mapped_column(String(200), default="")
