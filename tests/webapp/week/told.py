"""What was sent, in plain Python: every call as its callers and telephones had it, and what follows from it.

Nothing here asks the desk: the sums are worked out from what happened, by the rules of the trade alone (D21, D22, D26).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

A_WORD = 1.0
"""Seconds of a talk below which nobody has said anything."""
PROMISED = 10
"""Minutes within which callers are told that we ring back, unless others were said."""
FOR_BACKUPS, FOR_HEAD = timedelta(minutes=5), timedelta(minutes=15)
"""How long a missed call waits until it is told to the backups, and to the head."""
ELSEWHERE = ("answered_elsewhere", "redirected")


@dataclass
class Told:
    """One call. `holder` is the login of who has it, or had it last; `answered_by` of who spoke first, `had` of all who
    spoke. `owner` is the caller's own manager.

    `wrote` is the outcome under which the row was finished, '' while it is not; `reason_at` when somebody wrote that
    nobody need ring back. `promises`: when the caller was told that we ring back, and within how many minutes.
    """

    call_id: str
    direction: str
    line: str
    number: str
    offered_at: datetime
    answered_at: datetime | None = None
    answered_by: str = ""
    holder: str = ""
    rings: int = 0
    talk: float = 0.0
    ended_at: datetime | None = None
    end: str = ""
    reason_at: datetime | None = None
    reason_by: str = ""
    promises: list[tuple[datetime, int]] = field(default_factory=list)
    wrote: str = ""
    wrote_next: bool = False
    had: list[str] = field(default_factory=list)
    owner: str = ""

    @property
    def is_missed(self) -> bool:
        """They called, it is over, and nobody of ours spoke."""
        return self.direction == "in" and bool(self.end) and not self.answered_at and self.end not in ELSEWHERE


@dataclass(frozen=True)
class Promise:
    """A promise to call: when it was made and falls due, and the talk that kept it, if one did."""

    number: str
    made_at: datetime
    due_at: datetime
    kept_at: datetime | None

    @property
    def is_broken(self) -> bool:
        """Kept too late, or not at all."""
        return self.kept_at is None or self.kept_at > self.due_at

    def is_told(self, rounds: Iterable[datetime], after: timedelta) -> bool:
        """Whether the worker found it open in one of its rounds, so long after it was due."""
        return any(self.due_at + after <= at and (self.kept_at is None or at < self.kept_at) for at in rounds)


class Book:
    """All that was told."""

    def __init__(self) -> None:
        self.calls: dict[str, Told] = {}
        self.of_number: dict[str, list[Told]] = {}

    def add(self, told: Told) -> Told:
        """One more call."""
        assert told.call_id not in self.calls
        self.calls[told.call_id] = told
        self.of_number.setdefault(told.number, []).append(told)
        return told

    def talks(self, number: str) -> list[Told]:
        """Every talk with this number in which somebody said a word, first the first."""
        found = [
            one for one in self.of_number.get(number, []) if one.answered_at and (one.talk >= A_WORD or not one.end)
        ]
        return sorted(found, key=lambda one: (one.answered_at, one.call_id))

    def made_good(self, missed: Told) -> Told | None:
        """The talk that closed this missed call: the first with its number that did not begin before it (D22)."""
        if not missed.number:
            return None
        later = (
            one
            for one in self.talks(missed.number)
            if one is not missed and one.answered_at and one.answered_at >= missed.offered_at
        )
        return next(later, None)

    def end_of(self, told: Told) -> str:
        """The one state in which the call ended, by the desk's words for it."""
        if not told.end:
            return "live"
        if told.answered_at:
            return "talked"
        if told.direction == "out":
            return "not_reached"
        if told.end in ELSEWHERE:
            return "elsewhere" if told.end == "answered_elsewhere" else "sent_on"
        if told.reason_at:
            return "closed"
        return "made_good" if self.made_good(told) else "missed"

    def how(self, told: Told) -> str:
        """What closed a missed call: in (they rang again), out (we rang back), reason; '' while it waits."""
        if told.reason_at:
            return "reason"
        talk = self.made_good(told)
        return talk.direction if talk else ""

    def is_waiting(self, told: Told) -> bool:
        """Missed, and nobody has made it good."""
        return told.is_missed and not told.reason_at and self.made_good(told) is None

    def callers(self) -> list[list[Told]]:
        """The missed calls, those of one caller who was closed at one instant, or waits, together; oldest first."""
        groups: dict[tuple[object, ...], list[Told]] = {}
        for told in sorted(self.calls.values(), key=lambda one: one.offered_at):
            if told.is_missed:
                talk = self.made_good(told)
                closed_at = told.reason_at or (talk.answered_at if talk else None)
                groups.setdefault((told.number or told.call_id, closed_at), []).append(told)
        return list(groups.values())

    def minutes(self, caller: list[Told]) -> float | None:
        """From the end of his first call until somebody spoke with him; None for who was not spoken with."""
        talk = None if caller[0].reason_at else self.made_good(caller[0])
        if talk is None or talk.answered_at is None or caller[0].ended_at is None:
            return None
        return max(0.0, (talk.answered_at - caller[0].ended_at).total_seconds() / 60)

    def step(self, told: Told, rounds: Iterable[datetime]) -> int:
        """How far a missed call was escalated by the rounds it waited through: 1 to backups, 2 to the head (D22)."""
        talk = self.made_good(told)
        over = told.reason_at or (talk.answered_at if talk else None)
        if not told.is_missed or told.ended_at is None:
            return 0
        waited = [at - told.offered_at for at in rounds if told.ended_at <= at and (over is None or at < over)]
        longest = max(waited, default=timedelta(0))
        return 2 if longest >= FOR_HEAD else 1 if longest >= FOR_BACKUPS else 0

    def waiting_with(self, told: Told) -> list[Told]:
        """All missed calls of the same caller that wait; a hidden one waits alone."""
        same = self.of_number[told.number] if told.number else [told]
        return [one for one in same if self.is_waiting(one)]

    def promises(self) -> list[Promise]:
        """Every promise that was made to a caller."""
        found = []
        for told in self.calls.values():
            for made_at, minutes in told.promises:
                talks = self.talks(told.number) if told.number else []
                kept = next((one.answered_at for one in talks if one.answered_at and one.answered_at >= made_at), None)
                found.append(Promise(told.number, made_at, made_at + timedelta(minutes=minutes), kept))
        return found

    def ends(self) -> Counter[str]:
        """How many calls ended in each state."""
        return Counter(self.end_of(one) for one in self.calls.values())

    def closed_how(self) -> Counter[str]:
        """How the missed calls were closed."""
        return Counter(self.how(one) for one in self.calls.values() if one.is_missed)

    def answered(self) -> Counter[str]:
        """Incoming calls by who spoke first."""
        return Counter(one.answered_by for one in self.incoming() if one.answered_at)

    def rings(self) -> Counter[str]:
        """Answered calls by promptness: on the first ring early, on the second and third in time, then late (D21)."""
        words = ("", "early", "in_time", "in_time")
        return Counter(words[one.rings] if one.rings < 4 else "late" for one in self.incoming() if one.answered_at)

    def per_line(self) -> Counter[tuple[str, str]]:
        """Calls by line and state."""
        return Counter((one.line, self.end_of(one)) for one in self.calls.values())

    def notes(self) -> Counter[str]:
        """Talks that a colleague had in the place of the caller's own manager, who finds a note of each (D14)."""
        return Counter(
            one.owner for one in self.incoming() if one.answered_at and one.owner and one.owner not in one.had
        )

    def incoming(self) -> Iterable[Told]:
        """Those who called us."""
        return (one for one in self.calls.values() if one.direction == "in")
