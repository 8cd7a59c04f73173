"""The script by keys: it starts at the right step, fills fields, and no key is lost or doubled."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from sipbridge.events import EndReason
from tests.webapp.conftest import Clock
from tests.webapp.desk.conftest import NUMBER, Phone
from webapp.accounts.models import User
from webapp.clients.models import Client
from webapp.deals.models import Deal
from webapp.office.models import PriceRange
from webapp.roster.models import Absence
from webapp.scripts import run
from webapp.scripts.models import ScriptRun
from webapp.tasks.models import Task
from webapp.touches.models import Touch

SignIn = Callable[[str], FlaskClient]
MakeClient = Callable[..., Client]


class Keys:
    """A hand on the keys of one touch."""

    def __init__(self, client: FlaskClient, touch: Touch) -> None:
        self.client, self.address = client, f"/desk/touches/{touch.id}/script"
        self.page = client.get(self.address).get_data(as_text=True)

    @property
    def at(self) -> str:
        found = re.search(r'"at": "(\d+)"', self.page)
        assert found
        return found[1]

    @property
    def sentence(self) -> str:
        found = re.search(r"<blockquote[^>]*>(.*?)</blockquote>", self.page, re.S)
        assert found
        return found[1]

    def press(self, what: str, key: str, at: str | None = None, text: str = "") -> str:
        data = {"at": self.at if at is None else at, "text": text}
        answer = self.client.post(f"{self.address}/{what}/{key}", data=data)
        assert answer.status_code == 200
        self.page = answer.get_data(as_text=True)
        return self.sentence

    def number_of(self, ask: str) -> str:
        """The number of the answer on the present step that asks for this field."""
        script = run.library().get("inbound", "en")
        step = next(step for step in script.steps.values() if self.sentence_of(step.say) and self.has(step, ask))
        return str(next(n for n, answer in enumerate(step.answers, 1) if answer.ask == ask))

    def sentence_of(self, say: str) -> bool:
        words = [part for part in re.split(r"[\[\]{}|]", say) if len(part) > 12]
        return bool(words) and words[-1].strip()[:25] in self.sentence.replace("&#39;", "'")

    @staticmethod
    def has(step: object, ask: str) -> bool:
        return any(answer.ask == ask for answer in step.answers)  # type: ignore[attr-defined]


@pytest.fixture
def keys(sign_in: SignIn, phone: Phone, on_duty: User) -> Keys:
    """Anna's hand during a new caller's call."""
    return Keys(sign_in("anna"), phone.ring())


def entry(situation: str) -> str:
    script = run.library().get("inbound", "en")
    return script.entries[situation]  # type: ignore[index]


def state(session: Session) -> dict[str, object]:
    session.expire_all()
    return session.scalars(select(ScriptRun)).one().state


@pytest.mark.parametrize(
    ("situation", "prepare"),
    [
        ("new_caller", lambda ring: None),
        ("known_client", lambda ring: ring.card()),
        ("open_matter", lambda ring: ring.deal()),
        ("absent_employee", lambda ring: ring.away()),
        ("was_missed", lambda ring: ring.missed()),
    ],
)
def test_each_situation_starts_at_its_own_step(
    situation: str,
    prepare: Callable[[Ring], None],
    sign_in: SignIn,
    session: Session,
    phone: Phone,
    on_duty: User,
    client_with: MakeClient,
    office: dict[str, User],
) -> None:
    prepare(Ring(session, phone, client_with, on_duty, office))
    touch = phone.ring()
    keys = Keys(sign_in("anna"), touch)
    keys.press("branch", "angry")
    history = state(session)["history"]
    assert isinstance(history, list) and history[0]["step"] == entry(situation)


def test_a_call_of_ours_begins_by_asking_whether_it_is_a_good_moment(
    sign_in: SignIn, session: Session, phone: Phone, on_duty: User
) -> None:
    touch = phone.ring()
    touch.direction = "out"
    session.commit()
    Keys(sign_in("anna"), touch).press("branch", "angry")
    history = state(session)["history"]
    assert isinstance(history, list) and history[0]["step"] == entry("we_call")


class Ring:
    """Makes the office's books such that the next call falls into one situation."""

    def __init__(
        self, session: Session, phone: Phone, client_with: MakeClient, on_duty: User, office: dict[str, User]
    ) -> None:
        self.session, self.phone, self.client_with = session, phone, client_with
        self.on_duty, self.office = on_duty, office

    def card(self) -> None:
        self.client_with(NUMBER, "Rassvet", self.on_duty)

    def deal(self) -> None:
        client = self.client_with(NUMBER, "Rassvet", self.on_duty)
        at = self.phone.clock()
        self.session.add(Deal(client_id=client.id, owner_id=self.on_duty.id, title="Bay windows", opened_at=at))
        self.session.commit()

    def away(self) -> None:
        self.client_with(NUMBER, "Rassvet", self.office["vera"])
        now = self.phone.clock()
        absence = Absence(
            user_id=self.office["vera"].id, starts_at=now - timedelta(hours=1), ends_at=now + timedelta(days=1)
        )
        self.session.add(absence)
        self.session.commit()

    def missed(self) -> None:
        self.phone.end(self.phone.ring(), EndReason.ABANDONED)


def test_a_talk_kept_on_the_server_goes_on_after_a_reload_and_in_another_tab(keys: Keys, session: Session) -> None:
    first = keys.sentence
    assert "Northwind Windows, Anna Petrova speaking" in first
    second = keys.press("answer", "1")
    assert second != first
    assert Keys(keys.client, session.scalars(select(Touch)).one()).sentence == second
    assert keys.press("back", "-") == first


def test_answers_fill_the_new_card_and_the_sentences(keys: Keys, session: Session) -> None:
    keys.press("answer", "1")
    sentence = keys.press("answer", keys.number_of("given_name"), text="  Pavel ")
    assert "Pavel" in sentence
    touch = session.scalars(select(Touch)).one()
    session.expire_all()
    assert touch.draft["given_name"] == "Pavel" and touch.saved_at is not None
    keys.press("answer", keys.number_of("name"), text="Rassvet")
    session.expire_all()
    assert touch.name_known  # light 1
    assert "light-on" in keys.page


def test_answers_fill_the_card_that_is_open(
    sign_in: SignIn, session: Session, phone: Phone, on_duty: User, client_with: MakeClient
) -> None:
    client = client_with(NUMBER, "Rassvet", on_duty)
    keys = Keys(sign_in("anna"), phone.ring())
    script = run.library().get("inbound", "en")
    need = next(n for n, one in enumerate(script.steps["known_greet"].answers, 1) if one.to == "need")
    keys.press("answer", str(need))
    product = next(n for n, one in enumerate(script.steps["need"].answers, 1) if one.ask == "product")
    keys.press("answer", str(product), text="bay window")
    session.expire_all()
    assert client.product == "bay window"
    assert "question-known" in keys.page  # the question about the product is struck off


def test_a_key_pressed_twice_moves_once(keys: Keys, session: Session) -> None:
    at = keys.at
    once = keys.press("answer", "1", at=at)
    assert keys.press("answer", "1", at=at) == once  # a double press, a resent request, a tab behind
    assert len(state(session)["given"]) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize("at", ["", "-1", "999", "x", "9" * 30])
def test_a_key_of_another_move_changes_nothing(keys: Keys, session: Session, at: str) -> None:
    first = keys.sentence
    assert keys.press("answer", "1", at=at) == first
    assert session.scalars(select(ScriptRun)).all() == []


def test_two_quick_keys_both_count(keys: Keys, session: Session) -> None:
    keys.press("branch", "price")
    keys.press("branch", "angry")
    history = state(session)["history"]
    assert isinstance(history, list) and len(history) == 2


@pytest.mark.parametrize(("what", "key"), [("answer", "7"), ("answer", "0"), ("answer", "x"), ("ask", "no_such")])
def test_a_key_that_is_not_offered_stays_where_it_is(keys: Keys, what: str, key: str) -> None:
    first = keys.sentence
    assert keys.press(what, key) == first


def test_the_price_range_is_said_in_the_last_branch_only(keys: Keys, session: Session) -> None:
    session.add(PriceRange(product="Window", low="100", high="200"))
    session.commit()
    script = run.library().get("inbound", "en")
    seen = [keys.press("branch", "price")]
    for _ in range(12):
        session.expire_all()
        step = script.steps[str(state(session)["step"])]
        if step.last_price:
            break
        targets = [str(answer.to) for answer in step.answers]
        insists = next((n for n, to in enumerate(targets, 1) if to.startswith("price")), None)
        assert insists, f"no way on towards the price at {step.say}"
        further = max(range(len(targets)), key=lambda i: ("price" in targets[i], "last" in targets[i], i))
        seen.append(keys.press("answer", str(further + 1)))
    assert "from 100 to 200" in seen[-1]
    assert not any("100" in sentence for sentence in seen[:-1]) and len(seen) >= 4


def test_purpose_and_next_step_are_proposed_but_never_over_what_was_chosen(
    keys: Keys, session: Session, phone: Phone
) -> None:
    from webapp.office.models import Purpose

    touch = session.scalars(select(Touch)).one()
    chosen = session.scalars(select(Purpose).where(Purpose.key == "other")).one()
    keys.press("answer", "2")  # asks the price
    session.expire_all()
    assert touch.purpose and touch.purpose.key == "price"
    keys.client.post(f"/touches/{touch.id}/result", data={"purpose_id": chosen.id})
    keys.press("back", "-")
    keys.press("answer", "3")  # wants to order
    session.expire_all()
    assert touch.purpose_id == chosen.id


def test_words_that_fit_no_script_go_to_the_heads_inbox(
    keys: Keys, session: Session, office: dict[str, User], sign_in: SignIn
) -> None:
    keys.press("branch", "nothing_fits")
    keys.press("answer", keys.number_of("said"), text="Do you paint boats?")
    task = session.scalars(select(Task)).one()
    assert task.kind == "inbox" and task.user_id is None and task.text.startswith("Do you paint boats?")
    assert "Do you paint boats?" in sign_in("head").get("/desk").get_data(as_text=True)
    assert "Do you paint boats?" not in sign_in("boris").get("/desk").get_data(as_text=True)


def test_a_message_for_an_absent_colleague_is_kept_word_for_word(
    sign_in: SignIn, session: Session, phone: Phone, on_duty: User, client_with: MakeClient, office: dict[str, User]
) -> None:
    Ring(session, phone, client_with, on_duty, office).away()
    keys = Keys(sign_in("anna"), phone.ring())
    assert "Vera Sokolova is away" in keys.sentence and "tomorrow" in keys.sentence
    script = run.library().get("inbound", "en")
    keys.press("branch", "absent")
    leave = next(n for n, one in enumerate(script.steps["absent_say"].answers, 1) if one.to == "absent_who")
    keys.press("answer", str(leave))
    session.expire_all()
    if state(session)["step"] == "absent_who":
        keys.press("answer", "1", text="Pavel")
    dictates = next(n for n, one in enumerate(script.steps["absent_message"].answers, 1) if one.ask == "message")
    words = "Tell her: the frames are WRONG, and I am cross!"
    keys.press("answer", str(dictates), text=words)
    task = session.scalars(select(Task).where(Task.kind == "message")).one()
    assert (task.text, task.user_id) == (words, office["vera"].id)
    assert words in sign_in("vera").get("/desk").get_data(as_text=True)


def test_questions_are_ticked_and_unticked(keys: Keys, session: Session) -> None:
    question = run.library().get("inbound", "en").questions[0].id
    keys.press("ask", question)
    assert state(session)["asked"] == [question]
    keys.press("ask", question)
    assert state(session)["asked"] == []


def test_what_was_said_and_fits_no_field_stands_in_the_note(
    sign_in: SignIn, session: Session, phone: Phone, on_duty: User, client_with: MakeClient, clock: Clock
) -> None:
    from webapp.desk import caller

    client_with(NUMBER, "Rassvet", on_duty)
    touch = phone.ring()
    learnt = {"channel": "my neighbour told me", "note": "has a dog"}
    caller.learn(session, touch, learnt, on_duty, clock(), "RU")
    assert touch.note == "Channel: my neighbour told me\nhas a dog"


def test_the_script_is_for_those_who_are_rung(sign_in: SignIn, phone: Phone, on_duty: User) -> None:
    touch = phone.ring()
    address = f"/desk/touches/{touch.id}/script/answer/1"
    assert sign_in("boris").post(address, data={"at": "0"}).status_code == 404
    assert sign_in("admin").post(address, data={"at": "0"}).status_code == 403
    assert sign_in("anna").post(address.replace("answer", "dance"), data={"at": "0"}).status_code == 404
