"""What is known of the caller of a touch, and where new knowledge goes: onto the card, or into the draft of one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.clients import callers, cards, fields, verdicts
from webapp.clients.changes import Author
from webapp.clients.contacts import BadValue
from webapp.clients.models import Client
from webapp.clients.words import LEGAL_FORMS
from webapp.pages import phone
from webapp.touches.models import Touch

NEW_CARD = ("surname", "given_name", "name", "position", "phone", "email", "website")
"""The seven fields of a new card, which hold all six keys of D29."""
NAMES = {"surname", "given_name", "name"}
NOBODY = ("anonymous", "unknown", "unavailable", "withheld", "private", "restricted", "caller", "аноним", "неизвест")
"""What exchanges write where a name is missing."""
LONGEST = 400


def known(touch: Touch) -> dict[str, str]:
    """Card fields with a value, of the card or of its draft. The network tells the number and the name.

    A name such as "Pavel Orlov" stands whole under the surname: which half is which only the caller can say.
    """
    if touch.client is not None:
        return fields.known(touch.client, touch.person)
    have = {name: value for name, value in typed(touch).items() if value}
    if touch.call and touch.call.number and "phone" not in touch.draft:
        have["phone"] = phone(touch.call.number)
    if touch.call and not NAMES & touch.draft.keys() and (told := network_name(touch.call.caller_name)):
        have["name" if LEGAL_FORMS & set(told.casefold().split()) else "surname"] = told
    return have


def typed(touch: Touch) -> dict[str, str]:
    """The fields in the draft of a card that isn't made yet."""
    return {name: text for name, text in touch.draft.items() if name not in _SAID}


def said(touch: Touch) -> dict[int, str]:
    """What was said in this touch of cards that were offered for the one being typed: id -> other or unsure."""
    return {int(client_id): verdict for key, verdict in _SAID.items() for client_id in touch.draft.get(key, "").split()}


def refused(session: Session, touch: Touch) -> set[int]:
    """The cards of which somebody has said, in this call of the number or in an earlier one: not this client."""
    return callers.told_apart(session, _number(touch))


def _number(touch: Touch) -> str:
    return touch.call.number if touch.call else ""


def say(session: Session, touch: Touch, client_id: int, verdict: str, user: User, now: datetime) -> None:
    """The card being typed is another than this one, or perhaps not; "" takes that back. Kept until it is made.

    That it is another is remembered for the number that calls, which may ring again before there is a card.
    """
    session.refresh(touch, ["draft"], with_for_update=True)
    if verdict == "other":
        callers.tell_apart(session, _number(touch), client_id, user)
    elif said(touch).get(client_id) == "other":
        callers.take_back(session, _number(touch), client_id)
    told = said(touch) | {client_id: verdict}
    draft = typed(touch)
    for key, one in _SAID.items():
        if ids := [str(client_id) for client_id in sorted(told) if told[client_id] == one]:
            draft[key] = " ".join(ids)
    touch.draft, touch.saved_at = draft, now
    session.flush()


_SAID = {"#other": "other", "#unsure": "unsure"}
"""Keys of a draft that hold no field but ids of cards -> the verdict on them."""


def network_name(text: str) -> str:
    """The caller's name as the network shows it, when it can be one: words with letters, and not a word for nobody."""
    text = " ".join(text.split())[:80]
    words = text.casefold()
    if sum(letter.isalpha() for letter in text) < 3 or any(nobody in words for nobody in NOBODY):
        return ""
    return text if not any(sign.isdigit() for sign in text) or LEGAL_FORMS & set(words.split()) else ""


def learn(session: Session, touch: Touch, learnt: Mapping[str, str], user: User, now: datetime, country: str) -> None:
    """Write down what the caller said. What doesn't fit its field goes into the note: nothing said is lost."""
    for name, text in learnt.items():
        if name == "note":
            note(touch, text)
            continue
        if fields.BY_NAME[name].holder == "touch":
            continue
        try:
            put(session, touch, name, text, user, now, country)
        except BadValue:
            note(touch, f"{fields.BY_NAME[name].label}: {text}")
    touch.saved_at = now
    session.flush()


def put(
    session: Session,
    touch: Touch,
    name: str,
    text: str,
    user: User,
    now: datetime,
    country: str,
    was: str | None = None,
) -> None:
    """Put one field on the card, or into the draft while there is none. Raises BadValue and KeyError.

    `was`: what the writer saw on the card; raises `changes.Changed` when somebody has changed it meanwhile.
    """
    if name in fields.BY_NAME and fields.BY_NAME[name].holder == "touch":
        raise KeyError(name)
    if touch.client is None:
        session.refresh(touch, ["draft"], with_for_update=True)  # two fields may be sent at once
        touch.draft = {**touch.draft, name: " ".join(text.split())[:LONGEST]}
    else:
        if was is not None:
            cards.agree(session, touch.client, touch.person, name, was, text)
        person = fields.fill(session, touch.client, touch.person, name, text, Author(user, now, "talk"), country)
        if person is not None and touch.person_id is None:
            touch.person_id = person.id
            session.flush()
            session.expire(touch, ["person"])
    touch.name_known = touch.name_known or is_named(touch)
    touch.saved_at = now
    session.flush()


def note(touch: Touch, text: str) -> None:
    """Add a line to the touch's note."""
    touch.note = f"{touch.note.rstrip()}\n{text}".strip()


def is_named(touch: Touch) -> bool:
    """The first goal of a call: the caller's name and company are written down (D42)."""
    have = known(touch)
    private = touch.client is not None and touch.client.kind == "private"
    return bool(have.get("given_name") or have.get("surname")) and (private or bool(have.get("name")))


def choose(session: Session, touch: Touch, client: Client, user: User, now: datetime, country: str) -> None:
    """The caller is this client. What was typed of a new card joins it; what contradicts it goes into the note."""
    draft, told = typed(touch), said(touch)
    if touch.call:
        callers.choose(session, touch.call, client, user, now, country)
    else:
        touch.client, touch.person, touch.draft = client, None, {}
        session.flush()
    verdicts.say_all(session, client, told, Author(user, now, "talk"))
    have = known(touch)
    for name, text in draft.items():
        if text and name not in have:
            learn(session, touch, {name: text}, user, now, country)
        elif text and text.casefold() != have[name].casefold() and name not in ("phone", "mobile"):
            note(touch, f"{fields.BY_NAME[name].label}: {text}")
    touch.name_known = is_named(touch)
    session.flush()


def make_card(
    session: Session, touch: Touch, user: User, now: datetime, country: str, deal: bool = False
) -> dict[str, str]:
    """Make the card of the draft (D39); {} when there is one now, else field -> what is wrong.

    A deal is called after what the caller wants.
    """
    if touch.client is not None:
        return {}
    values = dict(known(touch))
    told = dict.fromkeys(refused(session, touch), "other") | said(touch)
    if deal:
        wanted = values.get("product") or values.get("reason") or values.get("name") or values.get("surname")
        values["deal"] = (wanted or _("Enquiry"))[:120]
    try:
        if touch.call:
            callers.open_from_call(session, touch.call, values, Author(user, now, "talk"), country)
        else:
            touch.client, touch.draft = cards.create(session, values, Author(user, now, "talk"), country), {}
    except cards.BadCard as bad:
        return bad.errors
    if touch.client is not None:
        verdicts.say_all(session, touch.client, told, Author(user, now, "talk"))
    touch.name_known = is_named(touch)
    touch.saved_at = now
    session.flush()
    return {}


def keep_draft(session: Session, touch: Touch, user: User, now: datetime, country: str) -> None:
    """Before a row is closed: what was typed of a new card becomes one, or stands in the note when it can't."""
    if touch.client is not None or not any(typed(touch).values()):
        return
    if make_card(session, touch, user, now, country):
        for name, text in typed(touch).items():
            if text:
                note(touch, f"{fields.BY_NAME[name].label}: {text}")
        touch.draft = {}
        session.flush()
