"""A meeting is agreed: organisation, people and deal are made and handed over to a manager, the agent is kept (D3).

The card's `created_by`, the deal's first line in the log of changes and the ledger's row say who brought it; both earn
a commission once the deal is won.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.accounts.models import Role, User
from webapp.clients import cards, changes, contacts, fields, joining, offers
from webapp.clients.changes import Author
from webapp.clients.contacts import BadValue
from webapp.clients.models import Client
from webapp.clients.offers import Offer, Said
from webapp.deals import stages
from webapp.deals.models import Deal
from webapp.office.models import Region
from webapp.pages import moment
from webapp.tasks import messages
from webapp.tasks.models import Task
from webapp.touches import closing
from webapp.touches.models import Touch
from webapp.worklists import calling, results
from webapp.worklists.models import Approach, WorklistItem

FIRM = ("name", "what_it_does", "website", "phone")
PERSON = ("surname", "given_name", "position", "mobile", "email")
PEOPLE = 3
KINDS = ("meeting_ours", "meeting_theirs")
SOURCE = "worklist"
LONGEST_PLACE = 200


class BadMeeting(ValueError):
    """A meeting that can't be written down as typed: `errors` says why, by field."""

    def __init__(self, errors: Mapping[str, object]) -> None:
        super().__init__(", ".join(errors))
        self.errors = {name: str(words) for name, words in errors.items()}


@dataclass
class Meeting:
    """What was agreed. `firm` and `people`: field -> text; `at` None: not understood, with the reason in `unread`."""

    firm: dict[str, str]
    people: list[dict[str, str]]
    deal: str
    kind: str
    place: str
    at: datetime | None
    note: str = ""
    manager_id: int | None = None
    region_id: int | None = None
    said: Said = field(default_factory=dict)
    unread: str = ""

    @property
    def draft(self) -> dict[str, str]:
        """What the six keys look at."""
        people = self.people[0] if self.people else {}
        phones = [self.firm.get("phone", ""), *(person.get("mobile", "") for person in self.people)]
        return {
            "name": self.firm.get("name", ""),
            "website": self.firm.get("website", ""),
            "surname": people.get("surname", ""),
            "given_name": people.get("given_name", ""),
            "phone": "; ".join(filter(str.strip, phones)),
            "email": "; ".join(filter(str.strip, (person.get("email", "") for person in self.people))),
        }


def agree(
    session: Session, item: WorklistItem, meeting: Meeting, user: User, now: datetime, country: str
) -> tuple[Client, User] | None:
    """Write a meeting down and hand it over; the card and the manager. None when the number was done with before.

    Raises BadMeeting; the caller then rolls back. Flushes.
    """
    if calling.needs_reason(session, item):
        raise BadMeeting({"why": calling.say_why(session)})
    _check(session, meeting, now)
    if not results.end_with_meeting(session, item, now):
        return None
    author = Author(user, now, SOURCE)
    client, found = _card(session, meeting, author, country)
    if client.region_id is None and meeting.region_id:
        cards.update_field(session, client, None, "region", str(meeting.region_id), author, country)
    manager = taker(session, item, client, meeting, is_new=found is not None)
    changes.put(session, client, client, "owner", manager, author)
    deal = stages.open_deal(session, client, meeting.deal, author)
    deal.owner_id = manager.id
    changes.note(session, client, "owner", user, manager, author, deal_id=deal.id)
    item.client_id = client.id
    session.flush()
    where = " · ".join(filter(None, (meeting.place, meeting.note)))
    touch = results.finished_touch(
        session, item, "meeting", user, now, note=where, next_at=meeting.at, next_kind=meeting.kind, client=client
    )
    touch.person = client.people[0] if len(client.people) == 1 else None
    _tell(session, touch, deal, manager, user, where, now)
    results.approach(session, item, "meeting", user, now, where, touch)
    offers.remember(session, client, found or [], author)
    cards.announce_card(session, client, now)
    return client, manager


def _tell(session: Session, touch: Touch, deal: Deal, manager: User, agent: User, where: str, now: datetime) -> None:
    """The manager owes the meeting at its hour, and has word of it on his page at once."""
    about = " · ".join(filter(None, (deal.title, where, _("brought by %(name)s", name=agent.name))))
    closing.owe(session, touch, manager.id, now, about)
    name = cards.title(deal.client)
    when = moment(touch.next_at)
    news = _("%(agent)s has agreed a meeting for you: %(client)s, %(when)s.", agent=agent.name, client=name, when=when)
    messages.begin(session, touch, news, manager.id, agent, now)


def _check(session: Session, meeting: Meeting, now: datetime) -> None:
    errors: dict[str, object] = {}
    if not meeting.firm.get("name", "").strip() and not any(_named(person) for person in meeting.people):
        errors["name"] = _l("Type the organisation, or at least a person.")
    for name in FIRM:
        _fits(errors, name, name, meeting.firm.get(name, ""))
    for number, person in enumerate(meeting.people):
        for name in PERSON:
            _fits(errors, f"p{number}_{name}", name, person.get(name, ""))
        if not _named(person) and any(text.strip() for text in person.values()):
            errors.setdefault(f"p{number}_surname", _l("Type a name."))
    if not meeting.deal.strip():
        errors["deal"] = _l("Say in a few words what the deal is about.")
    elif len(meeting.deal.strip()) > stages.LONGEST_TITLE:
        errors["deal"] = _l("At most %(most)d characters.", most=stages.LONGEST_TITLE)
    if meeting.kind not in KINDS:
        errors["kind"] = _l("Choose one of the list.")
    if meeting.kind == "meeting_theirs" and not meeting.place.strip():
        errors["place"] = _l("Where is it? Type their address.")
    if len(meeting.place) > LONGEST_PLACE:
        errors["place"] = _l("At most %(most)d characters.", most=LONGEST_PLACE)
    if meeting.at is None:
        errors["when"] = meeting.unread or _l("Which day, and at what time?")
    elif meeting.at <= now:
        errors["when"] = _l("This time has passed; choose a later one.")
    if meeting.manager_id and meeting.manager_id not in {manager.id for manager in managers(session)}:
        errors["manager"] = _l("Choose one of the list.")
    if meeting.region_id and session.get(Region, meeting.region_id) is None:
        errors["region"] = _l("Choose one of the list.")
    if errors:
        raise BadMeeting(errors)


def _named(person: Mapping[str, str]) -> bool:
    return bool(person.get("surname", "").strip() or person.get("given_name", "").strip())


def _fits(errors: dict[str, object], place: str, name: str, text: str) -> None:
    try:
        if fields.BY_NAME[name].kind != "contact":
            fields.cleaned(fields.BY_NAME[name], text)
        elif text.strip():
            contacts.cleaned(name, text)
    except BadValue as why:
        errors[place] = why


def _card(session: Session, meeting: Meeting, author: Author, country: str) -> tuple[Client, Sequence[Offer] | None]:
    """The client's card: the one said to be the same, completed, or a new one with the cards it is like."""
    client, found = offers.chosen(session, meeting.said), None
    firm = {name: text for name, text in meeting.firm.items() if text.strip()}
    if client is None:
        found = offers.find(session, meeting.draft, meeting.said, country)
        if doubtful := next((offer for offer in found if offer.asked), None):
            name = cards.title(doubtful.client) or "…"
            raise BadMeeting({"said": _("Is this %(name)s (%(why)s)? Say it below.", name=name, why=doubtful.why)})
        client = cards.create(session, _first_words(meeting, firm), author, country)
    for typed in [firm, *(person for person in meeting.people if _named(person))]:
        joining.join(session, client, {name: text for name, text in typed.items() if text.strip()}, author, country)
    return client, found


def _first_words(meeting: Meeting, firm: Mapping[str, str]) -> dict[str, str]:
    """What a new card begins with: the organisation, or a private person by name."""
    if firm.get("name"):
        return {name: text for name, text in firm.items() if name != "phone"}
    person = next(person for person in meeting.people if _named(person))
    return {"kind": "private"} | {name: person[name] for name in ("surname", "given_name") if person.get(name)}


# Who takes it


def managers(session: Session) -> Sequence[User]:
    """Those a client may be handed to, by name."""
    query = select(User).where(User.active, User.role.in_((Role.MANAGER, Role.HEAD)))
    return session.scalars(query.order_by(User.name, User.id)).all()


def taker(session: Session, item: WorklistItem, client: Client, meeting: Meeting, *, is_new: bool) -> User:
    """The manager who takes over: the client's own (D12), the one chosen, the list's, the region's, else whoever was
    handed fewest so far (D11, D16). Raises BadMeeting when the office has no manager."""
    everybody = managers(session)
    by_id = {manager.id: manager for manager in everybody}
    own = None if is_new else client.owner_id
    for wanted in (own, meeting.manager_id, item.worklist.manager_id):
        if wanted in by_id:
            return by_id[wanted]
    those = [manager for manager in everybody if manager.has_role(Role.MANAGER)] or list(everybody)
    if client.region_id and (local := [manager for manager in those if manager.region_id == client.region_id]):
        those = local
    if not those:
        raise BadMeeting({"manager": _l("The office has no manager to take it.")})
    handed = _handed(session)
    return min(those, key=lambda manager: (handed.get(manager.id, 0), manager.name, manager.id))


def _handed(session: Session) -> dict[int, int]:
    """How many meetings each manager was handed so far."""
    query = (
        select(Task.user_id, func.count(Task.id))
        .join(Approach, Approach.touch_id == Task.touch_id)
        .where(Approach.result == "meeting", Task.kind == "next_touch", Task.user_id.is_not(None))
        .group_by(Task.user_id)
    )
    return {user_id: count for user_id, count in session.execute(query) if user_id is not None}
