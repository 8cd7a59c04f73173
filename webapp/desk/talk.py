"""The script beside a touch: what fills its sentences, and what its answers bring to the card and the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.clients import fields
from webapp.deals.models import ENDED, Deal
from webapp.desk import caller
from webapp.office.models import Outcome, Purpose
from webapp.office.queries import price_of, the_office
from webapp.roster import duty
from webapp.scripts import run, walk
from webapp.scripts.grammar import Script
from webapp.scripts.library import UnknownScript
from webapp.tasks import messages, work
from webapp.touches.models import Touch
from webapp.touches.queries import last_with


@dataclass(frozen=True)
class Talk:
    """What the panel shows. `at`: the move a key pressed now belongs to. `known`: typed before, by answer number."""

    view: walk.StepView
    at: int
    attitude: str
    known: Mapping[int, str]
    prompts: Mapping[str, Any]
    settled: int


def of(session: Session, touch: Touch, user: User, now: datetime, zone: ZoneInfo) -> Talk | None:
    """The talk of a touch as it stands; None when its line has no usable script."""
    try:
        script = run.script_for(session, touch.call.line if touch.call else None, run.library())
    except UnknownScript:
        return None
    have = caller.known(touch)
    state, at = run.standing(session, touch, script, have)
    view = walk.view(state, script, spoken(session, touch, script, user, now, zone), have)
    asks = {answer.n: answer.ask for answer in view.answers if answer.ask}
    return Talk(
        view=view,
        at=at,
        attitude=_attitude(session, touch, script),
        known={n: have[ask] for n, ask in asks.items() if ask != "note" and ask in have},
        prompts={ask: _prompt(ask) for ask in asks.values()},
        settled=sum(question.asked or question.known for question in view.questions),
    )


def _attitude(session: Session, touch: Touch, script: Script) -> str:
    """One line of inner attitude for this call (D64); '' when the head has switched them off."""
    if not the_office(session).show_attitude:
        return ""
    return script.attitude[(touch.call_id or 0) % len(script.attitude)]


def _prompt(ask: str) -> Any:
    if ask == "message":
        return _("word for word")
    if ask == "said":
        return _("their own words")
    return fields.BY_NAME[ask].label


def phrase(
    session: Session,
    touch: Touch,
    name: str,
    user: User,
    now: datetime,
    zone: ZoneInfo,
    values: Mapping[str, str | None] | None = None,
) -> str:
    """What is said outside the steps: hold, back_from_hold, second_line, transfer (D23, D27); '' without a script."""
    try:
        script = run.script_for(session, touch.call.line if touch.call else None, run.library())
    except UnknownScript:
        return ""
    return walk.phrase(script, name, {**spoken(session, touch, script, user, now, zone), **(values or {})})


def stopped_at(session: Session, touch: Touch, user: User, now: datetime, zone: ZoneInfo) -> str:
    """The sentence at which the talk stands: where it is taken up again after a hold (D23); '' without a script."""
    standing = of(session, touch, user, now, zone)
    return standing.view.say if standing else ""


@dataclass(frozen=True)
class Key:
    """A key as it was pressed: `what` is answer, branch, back or ask; `at` the move it was pressed at."""

    what: str
    key: str
    text: str
    at: int


def press(session: Session, touch: Touch, pressed: Key, user: User, now: datetime, country: str) -> bool:
    """Let one key take effect. False when it came twice or too late: nothing changed."""
    what, key = pressed.what, pressed.key
    script = run.script_for(session, touch.call.line if touch.call else None, run.library())
    have = caller.known(touch)
    before, _at = run.standing(session, touch, script, have)

    def move(state: walk.State, script: Script) -> walk.Moved:
        if what == "answer" and key.isdecimal():
            return walk.answer(state, script, int(key[:2]), pressed.text, have)
        if what == "branch" and key in script.branches:
            return walk.branch(state, script, key, have)
        if what == "back":
            return walk.back(state, script)
        return walk.ask(state, script, key)

    effects = run.press(session, touch, script, have, pressed.at, move, now)
    if effects is None:
        return False
    _take(session, touch, effects, _suggested(before, script), user, now, country)
    after, _at = run.standing(session, touch, script, caller.known(touch))
    touch.name_known = caller.is_named(touch) or "name" in after.lights
    touch.next_step_agreed = touch.next_at is not None or "next_step" in after.lights
    touch.saved_at = now
    if touch.call and touch.call.held_at is None:
        touch.call.held_words = ""  # the talk has gone on from there
    session.flush()
    return True


def _take(
    session: Session, touch: Touch, effects: walk.Effects, earlier: set[str], user: User, now: datetime, country: str
) -> None:
    """Let an answer's effects come true. A list item the manager chose by hand stays; the script's own may change."""
    caller.learn(session, touch, effects.fields, user, now, country)
    if effects.purpose and _may_change(session.get(Purpose, touch.purpose_id or 0), earlier):
        purpose = session.scalars(select(Purpose).where(Purpose.key == effects.purpose, Purpose.active)).first()
        touch.purpose_id = purpose.id if purpose else touch.purpose_id
    if effects.outcome and _may_change(session.get(Outcome, touch.outcome_id or 0), earlier):
        outcome = session.scalars(select(Outcome).where(Outcome.key == effects.outcome, Outcome.active)).first()
        touch.outcome_id = outcome.id if outcome else touch.outcome_id
    if effects.next_kind and (not touch.next_kind or touch.next_kind in earlier):
        touch.next_kind = effects.next_kind
    if effects.promise:
        work.promise(session, touch, user, now)
    if effects.message:
        keeper = keeper_of(session, touch)
        messages.begin(session, touch, effects.message, keeper.id if keeper else None, user, now)
    if effects.said:
        work.to_inbox(session, touch, f"{effects.said}\n({effects.said_at})", now)


def _may_change(chosen: Purpose | Outcome | None, earlier: set[str]) -> bool:
    return chosen is None or (bool(chosen.key) and chosen.key in earlier)


def _suggested(state: walk.State, script: Script) -> set[str]:
    """Keys of purposes, outcomes and next steps that this talk's earlier answers brought."""
    found: set[str] = set()
    for given in state.given:
        step = script.steps.get(given.step)
        if step and 0 < given.n <= len(step.answers):
            answer = step.answers[given.n - 1]
            found.update(key for key in (answer.purpose, answer.outcome, answer.next) if key)
    return found


def keeper_of(session: Session, touch: Touch) -> User | None:
    """Whose client the row is about: the owner of the open deal, else of the card."""
    return _keeper(touch, _open_deal(session, touch))


def _keeper(touch: Touch, deal: Deal | None) -> User | None:
    """Whose client this is: the owner of the open deal, else of the card."""
    return (deal.owner if deal else None) or (touch.client.owner if touch.client else None)


def _open_deal(session: Session, touch: Touch) -> Deal | None:
    if touch.client_id is None:
        return None
    return session.scalars(
        select(Deal)
        .where(Deal.client_id == touch.client_id, Deal.stage.not_in(ENDED))
        .order_by(Deal.opened_at.desc())
        .limit(1)
    ).first()


def spoken(
    session: Session, touch: Touch, script: Script, user: User, now: datetime, zone: ZoneInfo
) -> dict[str, str | None]:
    """Values for the placeholders of a script's sentences, in its own language."""
    office = the_office(session)
    have = caller.known(touch)
    local = now.astimezone(zone)
    deal = _open_deal(session, touch)
    keeper = _keeper(touch, deal)
    absence = duty.absence_of(session, keeper, now) if keeper and keeper.id != user.id else None
    last = last_with(session, touch.client_id, touch) if touch.client_id else None
    address = " ".join(part for part in (have.get("given_name"), have.get("patronymic")) if part)
    return {
        **walk.words_of_the_hour(script, local),
        "caller": address or have.get("surname"),
        "company_of_caller": have.get("name"),
        "office": office.company,
        "what_we_do": office.what_we_do,
        "greeting_phrase": office.greeting_phrase,
        "manager": user.name,
        "manager_position": user.position,
        "owner": keeper.name if keeper and keeper.id != user.id else None,
        "owner_position": keeper.position if keeper and keeper.id != user.id else None,
        "owner_returns": walk.spoken_moment(script, absence.ends_at.astimezone(zone), local) if absence else None,
        "last_talk": _in(script.language, last.purpose.names).lower() if last and last.purpose else None,
        "open_matter": deal.title if deal else None,
        "product": have.get("product"),
        "promise_minutes": str(office.promise_minutes),
        "price_range": _price(session, have.get("product", ""), script.language),
    }


def _in(language: str, names: Mapping[str, str]) -> str:
    return names.get(language) or next(iter(names.values()), "")


def _price(session: Session, product: str, language: str) -> str | None:
    """The range of the product the caller named, in words (D54)."""
    found = price_of(session, product)
    if found is None:
        return None
    with force_locale(language):
        text = _("from %(low)s to %(high)s", low=found.low, high=found.high)
    return f"{text} ({found.conditions})" if found.conditions else text
