"""What a manager may ask of a talk that goes on: a command for the bridge, written down and announced at once.

A command only asks. What the pages show changes with the event by which the bridge tells that it was done.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from sipbridge.events import Command, Hold, Resume, to_wire
from webapp import feed
from webapp.accounts.models import User
from webapp.calls.models import LIVE, BridgeCommand, Call, CallAudience, seat_of

KEEP_FOR = timedelta(days=2)
LONGEST_WORDS = 200


def ask(session: Session, command: Command, user: User | None, now: datetime) -> BridgeCommand:
    """Ask something of the bridge. Takes effect with the commit; the bridge hears it within milliseconds."""
    # Announced first: on PostgreSQL that takes the lock under which ids become visible in their order.
    feed.announce(session, [None], "command", command.call_id, now)
    row = BridgeCommand(
        call_id=command.call_id,
        kind=type(command).__name__,
        data=to_wire(command),
        made_at=now,
        made_by_id=user.id if user else None,
    )
    session.add(row)
    session.flush()
    return row


def done(session: Session, call: Call, *kinds: str, at: datetime) -> None:
    """The bridge's event tells that what was asked of this call was done."""
    asked = update(BridgeCommand).where(BridgeCommand.call_id == call.call_id, BridgeCommand.kind.in_(kinds))
    session.execute(asked.where(BridgeCommand.done_at.is_(None), BridgeCommand.refused == "").values(done_at=at))


def prune(session: Session, now: datetime) -> int:
    """Forget commands older than KEEP_FOR; returns how many."""
    gone = session.execute(delete(BridgeCommand).where(BridgeCommand.made_at < now - KEEP_FOR))
    return gone.rowcount or 0  # type: ignore[attr-defined]


def one_after_the_other(session: Session, user: User) -> None:
    """Let no second click of `user` be judged before what the first has asked for is written down.

    Rows that refer to the user may be written meanwhile: the bridge's events wait for nobody's click.
    """
    session.scalars(select(User.id).where(User.id == user.id).with_for_update(key_share=True)).one()


def has_it(session: Session, call: Call, user: User) -> bool:
    """True while `user` is the one who speaks in `call`: only he may say what becomes of it."""
    if call.state not in LIVE:
        return False
    seat = select(CallAudience.state).where(CallAudience.call_id == call.id, CallAudience.user_id == user.id)
    own = call.state in ("dialing", "calling") and call.placed_by_id == user.id
    return own or session.scalar(seat) == "taken"


def hold(session: Session, call: Call, user: User, words: str, now: datetime) -> None:
    """Let the caller hear music (D24). `words`: the point where the talk stopped, shown until it goes on (D23)."""
    call.held_words = words[:LONGEST_WORDS]
    ask(session, Hold(call.call_id), user, now)


def take_back(session: Session, call: Call, user: User, now: datetime) -> None:
    """Let both hear each other again. Another talk of `user` is held meanwhile: he speaks with one at a time."""
    others = session.scalars(
        select(Call)
        .join(CallAudience, CallAudience.call_id == Call.id)
        .where(seat_of(user.id), CallAudience.state == "taken")
        .where(Call.id != call.id, Call.state == "talking", Call.held_at.is_(None))
    )
    for other in others:
        ask(session, Hold(other.call_id), user, now)
    ask(session, Resume(call.call_id), user, now)


def note_words(session: Session, call: Call, words: str) -> None:
    """Where the talk stopped, in the manager's own words (D23); '' once it has gone on."""
    call.held_words = " ".join(words.split())[:LONGEST_WORDS]
    session.flush()


def last_asked(session: Session, call: Call) -> BridgeCommand | None:
    """What was asked last about this call."""
    query = select(BridgeCommand).where(BridgeCommand.call_id == call.call_id)
    return session.scalars(query.order_by(BridgeCommand.id.desc()).limit(1)).first()
