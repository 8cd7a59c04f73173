"""The ledger: a row for every touch of a period, and the sums under it, as on paper (D86-D88)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from webapp.calls.models import Call
from webapp.calls.queries import state_of
from webapp.clients.models import Client, ContactPoint, Person
from webapp.office.queries import the_office
from webapp.reports import periods
from webapp.touches.models import Touch

SMALL_SAMPLE = 30
"""Below so many contacts a conversion says little, and is marked (D88)."""
NOT_A_CONTACT = frozenset(
    {"dialing", "calling", "not_reached", "ringing", "greeted", "missed", "made_good", "closed", "elsewhere", "sent_on"}
)
MISSED = frozenset({"missed", "made_good", "closed"})
AT_A_TIME = 500


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the ledger. `state` is a key of `calls.queries.STATES`, or the door of a touch without a call.

    `address`: what the caller sent in place of a number. `person` is who spoke; `persons` are all the people of the
    card. `call_id` is the bridge's name of the call, `call` the number of its page; `recorded`: it can be heard there.
    `finished`: purpose, outcome and next touch are written down.
    """

    at: datetime
    manager: str
    number: str
    address: str
    caller_name: str
    client_id: int | None
    client: str
    is_private: bool
    person: str
    persons: tuple[str, ...]
    phone: str
    email: str
    purpose: str
    outcome: str
    counts_as: str
    is_offer: bool
    next_at: datetime | None
    next_kind: str
    channel: str
    note: str
    direction: str
    door: str
    state: str
    rings: int
    talk_seconds: float
    call_id: str
    call: int | None
    recorded: bool
    touch_id: int
    finished: bool

    @property
    def is_contact(self) -> bool:
        """False for a call nobody has answered (yet): it is shown, but is no contact."""
        return self.state not in NOT_A_CONTACT

    @property
    def is_missed(self) -> bool:
        """No manager spoke, whatever was done about it since."""
        return self.state in MISSED


@dataclass(slots=True)
class Totals:
    """The sums under a ledger. `talk_seconds` is the time managers spoke, whoever called."""

    counts: str = "meeting"
    rows: int = 0
    contacts: int = 0
    incoming_calls: int = 0
    missed: int = 0
    meetings: int = 0
    sales: int = 0
    offers: int = 0
    unfinished: int = 0
    talk_seconds: float = 0.0
    channels: Counter[str] = field(default_factory=Counter)
    """Contacts by channel; '' where it is not known."""

    @property
    def conversion(self) -> float | None:
        """The percentage of contacts that ended in what the head counts; None without contacts (D88)."""
        reached = self.sales if self.counts == "sale" else self.meetings
        return 100 * reached / self.contacts if self.contacts else None

    @property
    def small_sample(self) -> bool:
        """Too few contacts for the conversion to mean much."""
        return self.contacts < SMALL_SAMPLE

    def add(self, row: Row) -> None:
        """Count one more row."""
        self.rows += 1
        self.incoming_calls += row.door in ("call", "phone") and row.direction == "in"
        self.missed += row.is_missed
        if not row.is_contact:
            return
        self.contacts += 1
        self.meetings += row.counts_as == "meeting"
        self.sales += row.counts_as == "sale"
        self.offers += row.is_offer
        self.unfinished += not row.finished
        self.talk_seconds += row.talk_seconds
        self.channels[row.channel] += 1


def each(
    session: Session, start: datetime, end: datetime, user_id: int | None = None, channel_id: int | None = None
) -> Iterator[Row]:
    """The rows from `start` until `end` (excluded), oldest first, read a few hundred at a time."""
    query = (
        select(Touch)
        .where(Touch.started_at >= start, Touch.started_at < end)
        .order_by(Touch.started_at, Touch.id)
        .options(
            joinedload(Touch.user),
            joinedload(Touch.call).selectinload(Call.recordings),
            joinedload(Touch.person),
            joinedload(Touch.purpose),
            joinedload(Touch.outcome),
            joinedload(Touch.channel),
            joinedload(Touch.client).selectinload(Client.people),
            joinedload(Touch.client).selectinload(Client.contact_points),
        )
        .execution_options(yield_per=AT_A_TIME)
    )
    if user_id is not None:
        query = query.where(Touch.user_id == user_id)
    if channel_id is not None:
        query = query.where(Touch.channel_id == channel_id)
    for touch in session.scalars(query):
        yield _row(touch)


def rows(
    session: Session, start: datetime, end: datetime, user_id: int | None = None, channel_id: int | None = None
) -> list[Row]:
    """All rows of `each` at once."""
    return list(each(session, start, end, user_id, channel_id))


def totals(rows: Iterable[Row], counts: str = "meeting") -> Totals:
    """The sums of `rows`. `counts`: what conversion means here, `meeting` or `sale` (the head's choice, D88)."""
    sums = Totals(counts)
    for row in rows:
        sums.add(row)
    return sums


def as_json(session: Session, day: date, zone: ZoneInfo) -> dict[str, Any]:
    """The ledger of everybody on one day, ready for `json.dumps`; times are ISO 8601 by the office's clock."""
    found = rows(session, *periods.instants(day, day, zone))
    sums = totals(found, the_office(session).conversion_counts)
    return {
        "day": day.isoformat(),
        "timezone": str(zone),
        "rows": [_plain(row, zone) for row in found],
        "totals": {
            "rows": sums.rows,
            "contacts": sums.contacts,
            "incoming_calls": sums.incoming_calls,
            "missed": sums.missed,
            "meetings": sums.meetings,
            "sales": sums.sales,
            "offers": sums.offers,
            "unfinished": sums.unfinished,
            "talk_seconds": round(sums.talk_seconds, 1),
            "conversion": None if sums.conversion is None else round(sums.conversion, 1),
            "small_sample": sums.small_sample,
            "channels": dict(sums.channels),
        },
    }


def as_text(report: dict[str, Any]) -> str:
    """What `as_json` gives, as lines for a terminal; nothing a name holds can steer it."""
    lines = [f"{report['day']}  ({report['timezone']})"]
    for row in report["rows"]:
        who = row["person"] or row["caller_name"] or row["number"] or row["address"] or "hidden number"
        firm = row["client"] if row["client"] != who else ""
        next_at = f"next {row['next_at'][:16].replace('T', ' ')}" if row["next_at"] else ""
        parts = (row["state"], row["manager"], who, firm, row["purpose"], row["outcome"], next_at, row["channel"])
        lines.append(f"{row['time'][11:16]}  {' | '.join(part for part in parts if part)}")
    sums = report["totals"]
    conversion = "-" if sums["conversion"] is None else f"{sums['conversion']} %"
    small = ", small sample" if sums["small_sample"] and sums["contacts"] else ""
    lines.append(
        f"contacts {sums['contacts']}, meetings {sums['meetings']}, sales {sums['sales']}, "
        f"conversion {conversion}{small}, incoming calls {sums['incoming_calls']}, "
        f"missed {sums['missed']}, minutes of talk {sums['talk_seconds'] / 60:.0f}"
    )
    lines += [f"  {channel or 'channel not known'}: {count}" for channel, count in sums["channels"].items()]
    return "\n".join("".join(sign if sign.isprintable() else " " for sign in line) for line in lines)


def _plain(row: Row, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "time": row.at.astimezone(zone).isoformat(),
        "manager": row.manager,
        "number": row.number,
        "address": row.address,
        "caller_name": row.caller_name,
        "client_id": row.client_id,
        "client": row.client,
        "person": row.person,
        "persons": list(row.persons),
        "phone": row.phone,
        "email": row.email,
        "purpose": row.purpose,
        "outcome": row.outcome,
        "next_at": row.next_at.astimezone(zone).isoformat() if row.next_at else None,
        "next_kind": row.next_kind,
        "channel": row.channel,
        "note": row.note,
        "direction": row.direction,
        "door": row.door,
        "state": row.state,
        "rings": row.rings,
        "talk_seconds": round(row.talk_seconds, 1),
        "call_id": row.call_id,
        "call": row.call,
        "finished": row.finished,
    }


def _row(touch: Touch) -> Row:
    call, client, person = touch.call, touch.client, touch.person
    number = call.number if call else ""
    return Row(
        at=touch.started_at,
        manager=touch.user.name if touch.user else "",
        number=number,
        address=call.address if call else "",
        caller_name=call.caller_name if call else "",
        client_id=client.id if client else None,
        client=client.name if client else "",
        is_private=client is not None and client.kind == "private",
        person=person.full_name if person else "",
        persons=tuple(someone.full_name for someone in client.people) if client else (),
        phone=_first(client, person, ("phone", "mobile")) or number,
        email=_first(client, person, ("email",)),
        purpose=touch.purpose.name if touch.purpose else "",
        outcome=touch.outcome.name if touch.outcome else "",
        counts_as=touch.outcome.counts_as if touch.outcome else "",
        is_offer=touch.outcome is not None and touch.outcome.key == "offer",
        next_at=touch.next_at,
        next_kind=touch.next_kind,
        channel=touch.channel.name if touch.channel else "",
        note=touch.note,
        direction=touch.direction,
        door=touch.door,
        state=state_of(call) if call else _door(touch),
        rings=call.rings if call else 0,
        talk_seconds=call.talk_seconds if call else 0.0,
        call_id=call.call_id if call else "",
        call=call.id if call else None,
        recorded=any(recording.audible for recording in call.recordings) if call else False,
        touch_id=touch.id,
        finished=touch.closed_at is not None,
    )


def _door(touch: Touch) -> str:
    """The door of a touch without a call here; a number we did not reach on another telephone is no contact."""
    in_vain = touch.direction == "out" and touch.outcome is not None and touch.outcome.key == "not_reached"
    return "not_reached" if in_vain else touch.door


def _first(client: Client | None, person: Person | None, kinds: Sequence[str]) -> str:
    """The contact point to show: the person's own before the firm's, the preferred one before the others."""
    points: list[ContactPoint] = [point for point in client.contact_points if point.kind in kinds] if client else []
    person_id = person.id if person else None
    best = min(points, key=lambda point: (point.person_id != person_id, not point.preferred, point.id), default=None)
    return best.value if best else ""
