"""The keys of a talk: what each asks of the bridge, who may press it and when, and what both pages show."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from sipbridge.events import (
    ApologyStarted,
    CallerReturning,
    CallHeld,
    CallResumed,
    CallTransferred,
    CommandRefused,
    ConsultationStarted,
    EndReason,
    HeldBy,
    LegEnd,
    MenuChosen,
    RecordingPaused,
    TransferAsked,
    TransferFailed,
    TransferStarted,
)
from tests.webapp.conftest import Clock
from tests.webapp.desk.conftest import NUMBER, Phone
from webapp.accounts.models import User
from webapp.calls import transfers
from webapp.calls.models import BridgeCommand, Call, Transfer
from webapp.clients.models import Client
from webapp.office.models import DialRule
from webapp.roster.models import Absence
from webapp.touches.models import Touch

SignIn = Callable[[str], FlaskClient]
PRESSES = ("hold", "resume", "connect", "cancel", "pause", "record", "hangup")


@pytest.fixture
def touch(phone: Phone, on_duty: User, client_with: Callable[..., Client]) -> Touch:
    """Anna speaks with Pavel Orlov of Rassvet."""
    client_with(NUMBER, "Rassvet")
    touch = phone.ring()
    phone.answer(touch, on_duty)
    return touch


def call_of(touch: Touch) -> Call:
    assert touch.call
    return touch.call


def asked(session: Session) -> list[str]:
    session.expire_all()
    return list(session.scalars(select(BridgeCommand.kind).order_by(BridgeCommand.id)))


def page(client: FlaskClient, path: str = "/desk") -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def press(client: FlaskClient, touch: Touch, what: str) -> Any:
    return client.post(f"/desk/calls/{touch.call_id}/{what}", data={"shown": touch.id}, headers={"HX-Request": "true"})


def start(session: Session, touch: Touch, giver: User, to: User, clock: Clock, attended: bool = True) -> Transfer:
    target = transfers.colleague(to)
    assert target
    row = transfers.start(
        session, call_of(touch), giver, target, attended, "Pavel wants a price for 20 windows", clock()
    )
    session.commit()
    return row


def test_hold_is_asked_at_once_and_shown_as_asked(session: Session, touch: Touch, sign_in: SignIn) -> None:
    anna = sign_in("anna")
    assert 'data-key="Z"' in page(anna)
    answer = press(anna, touch, "hold")
    assert answer.status_code == 200
    assert "callkey-asking" in answer.get_data(as_text=True)
    assert asked(session) == ["Hold"]
    assert call_of(touch).held_words
    press(anna, touch, "hold")
    assert asked(session) == ["Hold"], "a second press asks nothing more"


def test_a_held_caller_stands_in_the_strip_with_the_point_where_the_talk_stopped(
    session: Session, touch: Touch, sign_in: SignIn, phone: Phone, clock: Clock
) -> None:
    anna = sign_in("anna")
    press(anna, touch, "hold")
    phone.apply(CallHeld(call_of(touch).call_id, HeldBy.PAGE, clock()))
    clock.move(seconds=40)
    text = page(anna, "/desk/bar?shown=" + str(touch.id))
    assert "On hold" in text and "Rassvet" in text and "0:40" in text
    assert call_of(touch).held_words in text.replace("&#39;", "'")
    written = anna.post(f"/desk/calls/{touch.call_id}/words", data={"words": "  the delivery   term "})
    assert written.status_code == 204
    session.expire_all()
    assert call_of(touch).held_words == "the delivery term"
    press(anna, touch, "resume")
    assert asked(session) == ["Hold", "Resume"]
    phone.apply(CallResumed(call_of(touch).call_id, clock()))
    text = page(anna, "/desk/bar?shown=" + str(touch.id))
    assert "Thank you for waiting" in text and "the delivery term" in text
    anna.post(f"/desk/touches/{touch.id}/script/answer/1", data={"at": "0"})
    assert "the delivery term" not in page(anna, "/desk/bar?shown=" + str(touch.id))


def test_before_holding_the_page_proposes_the_phrase(touch: Touch, sign_in: SignIn) -> None:
    assert "May I ask you to hold" in page(sign_in("anna"))


def test_a_caller_held_at_the_telephone_is_taken_back_there(
    session: Session, touch: Touch, sign_in: SignIn, phone: Phone, clock: Clock
) -> None:
    phone.apply(CallHeld(call_of(touch).call_id, HeldBy.PHONE, clock()))
    anna = sign_in("anna")
    assert "Held at the telephone" in page(anna)
    press(anna, touch, "resume")
    assert asked(session) == []


def test_a_second_talk_leaves_the_first_one_in_the_strip_with_a_key(
    session: Session, touch: Touch, sign_in: SignIn, phone: Phone, on_duty: User, clock: Clock
) -> None:
    phone.apply(CallHeld(call_of(touch).call_id, HeldBy.PHONE, clock()))
    phone.apply(CallHeld(call_of(touch).call_id, HeldBy.PAGE, clock()))
    second = phone.ring("+74959990011")
    phone.answer(second, on_duty)
    text = page(sign_in("anna"), "/desk")
    assert f"/desk/calls/{touch.call_id}/resume" in text
    assert f'name="shown" value="{second.id}"' in text
    press(sign_in("anna"), touch, "resume")
    assert asked(session) == ["Hold", "Resume"]


def test_the_recording_is_paused_and_goes_on(
    session: Session, touch: Touch, sign_in: SignIn, phone: Phone, clock: Clock
) -> None:
    anna = sign_in("anna")
    press(anna, touch, "pause")
    phone.apply(RecordingPaused(call_of(touch).call_id, 4.0, clock()))
    text = page(anna)
    assert "recording paused" in text and "Record on" in text
    press(anna, touch, "record")
    assert asked(session) == ["PauseRecording", "ResumeRecording"]


def test_a_line_that_records_nothing_has_no_key_for_it(session: Session, touch: Touch, sign_in: SignIn) -> None:
    line = call_of(touch).line
    assert line
    line.record = False
    session.commit()
    anna = sign_in("anna")
    assert "Pause recording" not in page(anna)
    press(anna, touch, "pause")
    assert asked(session) == []


def test_hanging_up_is_asked(session: Session, touch: Touch, sign_in: SignIn) -> None:
    press(sign_in("anna"), touch, "hangup")
    assert asked(session) == ["HangUp"]


@pytest.mark.parametrize("what", [*PRESSES, "words", "pass"])
def test_nobody_presses_the_keys_of_a_colleagues_talk(
    session: Session, touch: Touch, sign_in: SignIn, what: str
) -> None:
    for login in ("boris", "head", "secretary"):
        assert press(sign_in(login), touch, what).status_code == 404
    assert asked(session) == []


@pytest.mark.parametrize("what", [*PRESSES, "words", "pass"])
def test_the_keys_are_for_those_who_work_with_clients(
    app: Any, session: Session, touch: Touch, sign_in: SignIn, what: str
) -> None:
    assert press(sign_in("admin"), touch, what).status_code == 403
    assert "/login" in press(app.test_client(), touch, what).headers["Location"]


@pytest.mark.parametrize("what", [*PRESSES, "words", "pass"])
def test_a_call_that_is_over_or_never_was_has_no_keys(
    session: Session, touch: Touch, sign_in: SignIn, phone: Phone, what: str
) -> None:
    anna = sign_in("anna")
    assert anna.post(f"/desk/calls/999999/{what}").status_code == 404
    phone.end(touch)
    assert press(anna, touch, what).status_code == 404
    assert asked(session) == []


@pytest.mark.parametrize("path", ["pass", "pass/people", "pass/closed"])
def test_the_panel_is_open_to_who_has_the_caller(app: Any, touch: Touch, sign_in: SignIn, path: str) -> None:
    address = f"/desk/calls/{touch.call_id}/{path}"
    assert sign_in("anna").get(address).status_code == 200
    assert sign_in("boris").get(address).status_code == 404
    assert sign_in("admin").get(address).status_code == 403
    assert sign_in("anna").get(f"/desk/calls/999999/{path}").status_code == 404
    assert "/login" in app.test_client().get(address).headers["Location"]


def test_a_key_that_does_not_fit_the_moment_asks_nothing(session: Session, touch: Touch, sign_in: SignIn) -> None:
    anna = sign_in("anna")
    for what in ("resume", "connect", "cancel", "record"):
        assert press(anna, touch, what).status_code == 200
    assert asked(session) == []


def test_the_panel_lists_the_likeliest_first_with_how_they_stand(
    session: Session, touch: Touch, office: dict[str, User], sign_in: SignIn, clock: Clock
) -> None:
    assert touch.client
    touch.client.owner_id = office["vera"].id
    back = clock() + timedelta(hours=2)
    session.add(Absence(user_id=office["head"].id, starts_at=clock(), ends_at=back, reason="ill"))
    session.commit()
    text = page(sign_in("anna"), f"/desk/calls/{touch.call_id}/pass")
    assert text.index("Vera Sokolova") < text.index("Boris Ivanov") < text.index("Helen Markova")
    assert "own client" in text and "on duty" in text and "until 14:00" in text
    assert "no telephone" in text  # the secretary has none
    assert "Anna Petrova" not in text.split("people-list")[1].split("</fieldset>")[0]


def test_typing_finds_by_name_position_and_number(touch: Touch, sign_in: SignIn) -> None:
    anna = sign_in("anna")
    for typed in ("vera", "SOKOL", "Vera man"):
        text = page(anna, f"/desk/calls/{touch.call_id}/pass/people?q={typed}")
        assert "Vera Sokolova" in text and "Boris Ivanov" not in text
    assert "Nobody is called so" in page(anna, f"/desk/calls/{touch.call_id}/pass/people?q=%00zz")
    assert "Egor Lavrov" in page(anna, f"/desk/calls/{touch.call_id}/pass/people?q=expert")


def test_a_number_is_offered_only_where_a_rule_allows_it(
    session: Session, touch: Touch, office: dict[str, User], sign_in: SignIn
) -> None:
    anna = sign_in("anna")
    address = f"/desk/calls/{touch.call_id}/pass/people?q=8 495 765-43-21"
    assert 'value="number"' not in page(anna, address)
    assert "not allowed" in page(anna, address)
    session.add(DialRule(role=office["anna"].role, pattern="+7495xxxxxxx"))
    session.commit()
    assert 'value="number"' in page(anna, address)
    answer = anna.post(
        f"/desk/calls/{touch.call_id}/pass",
        data={"q": "8 495 765-43-21", "to": "number", "briefing": "", "how": "blind"},
    )
    assert answer.status_code == 200
    assert session.scalars(select(BridgeCommand)).one().data["target"] == "tel:+74957654321"


def test_the_phrase_names_the_colleague(touch: Touch, office: dict[str, User], sign_in: SignIn) -> None:
    text = page(sign_in("anna"), f"/desk/calls/{touch.call_id}/pass/people?to=user-{office['vera'].id}")
    assert "Vera Sokolova, manager, can help you best" in text


def test_the_briefing_is_written_from_the_card_and_kept_as_typed(
    session: Session, touch: Touch, office: dict[str, User], sign_in: SignIn
) -> None:
    anna = sign_in("anna")
    panel = page(anna, f"/desk/calls/{touch.call_id}/pass")
    assert "Orlov Pavel, buyer, Rassvet" in panel and "+7 495 123-45-67" in panel
    typed = {"q": "", "to": "user-999", "briefing": "<b>ask</b> about glass", "how": "attended"}
    answer = anna.post(f"/desk/calls/{touch.call_id}/pass", data=typed)
    assert answer.status_code == 422
    assert "Choose to whom" in answer.get_data(as_text=True)
    assert "&lt;b&gt;ask&lt;/b&gt; about glass" in answer.get_data(as_text=True)
    assert asked(session) == []
    answer = anna.post(f"/desk/calls/{touch.call_id}/pass", data=typed | {"to": f"user-{office['vera'].id}"})
    assert answer.status_code == 200
    row = session.scalars(select(Transfer)).one()
    assert (row.to_user_id, row.attended, row.briefing) == (office["vera"].id, True, "<b>ask</b> about glass")
    command = session.scalars(select(BridgeCommand)).one()
    assert command.data | {"seconds": 0} == {
        "call_id": call_of(touch).call_id,
        "target": office["vera"].extension,
        "line": "desk",
        "attended": True,
        "seconds": 0,
    }


@pytest.mark.parametrize("to", ["", "user-", "user-x", "user-99999999999999", "number", "sip:evil@x", "user-1\r\n"])
def test_nonsense_as_a_target_is_refused(session: Session, touch: Touch, sign_in: SignIn, to: str) -> None:
    answer = sign_in("anna").post(f"/desk/calls/{touch.call_id}/pass", data={"to": to, "how": "blind"})
    assert answer.status_code == 422
    assert asked(session) == []


def test_two_clicks_at_the_same_instant_pass_him_on_once(
    session: Session, touch: Touch, office: dict[str, User], sign_in: SignIn
) -> None:
    together = threading.Barrier(4)

    def click(client: FlaskClient, login: str) -> int:
        together.wait(10)
        to = {"to": f"user-{office_ids[login]}"}
        return client.post(f"/desk/calls/{call_id}/pass", data=to).status_code

    office_ids, call_id = {login: user.id for login, user in office.items()}, touch.call_id
    clients = [(sign_in("anna"), login) for login in ("boris", "vera", "head", "boris")]
    session.commit()
    with ThreadPoolExecutor(4) as pool:
        codes = list(pool.map(lambda one: click(*one), clients))
    assert sorted(codes) == [200, 422, 422, 422]
    assert asked(session) == ["Transfer"]


def test_what_is_written_for_the_colleague_is_in_no_address(touch: Touch, sign_in: SignIn) -> None:
    """Addresses are logged, by the web server before us and by browsers."""
    text = page(sign_in("anna"), f"/desk/calls/{touch.call_id}/pass")
    looks = re.findall(r"<[^>]*hx-get=[^>]*hx-include=\"#pass-form\"[^>]*>", text)
    assert len(looks) == 2 and all('hx-params="q,to"' in tag for tag in looks)


def test_nobody_is_passed_on_twice_at_once(
    session: Session, touch: Touch, office: dict[str, User], sign_in: SignIn, clock: Clock
) -> None:
    start(session, touch, office["anna"], office["vera"], clock)
    answer = sign_in("anna").post(f"/desk/calls/{touch.call_id}/pass", data={"to": f"user-{office['boris'].id}"})
    assert answer.status_code == 422
    assert asked(session) == ["Transfer"]


def test_the_colleague_reads_the_briefing_before_he_speaks_and_has_the_row_after(
    session: Session, touch: Touch, office: dict[str, User], sign_in: SignIn, phone: Phone, clock: Clock
) -> None:
    anna, vera = office["anna"], office["vera"]
    start(session, touch, anna, vera, clock)
    call_id = call_of(touch).call_id
    theirs, ours = sign_in("vera"), sign_in("anna")
    assert "No call" in page(theirs)
    phone.apply(TransferStarted(call_id, vera.extension, True, clock()))
    text = page(theirs)
    assert "Ringing" in text and "Pavel wants a price for 20 windows" in text and "Rassvet" in text
    assert "Anna Petrova passes this caller on to you" in text
    assert "Vera Sokolova is being rung" in page(ours)
    assert press(theirs, touch, "hangup").status_code == 404, "the caller is Anna's still"
    phone.apply(ConsultationStarted(call_id, vera.extension, clock()))
    assert "You speak with Vera Sokolova" in page(ours)
    assert "You speak with Anna Petrova" in page(theirs)
    press(ours, touch, "connect")
    assert asked(session) == ["Transfer", "CompleteTransfer"]
    phone.apply(CallTransferred(call_id, vera.extension, clock()))
    text = page(theirs)
    assert "Talking" in text and "Pavel wants a price for 20 windows" in text and 'data-key="Z"' in text
    text = page(ours)
    assert "No call" in text and "Vera Sokolova speaks with the caller now: Rassvet." in text
    assert ours.post(f"/touches/{touch.id}/save", data={"note": "x"}).status_code == 404
    assert ours.get(f"/calls/{touch.call_id}").status_code == 200, "who passed the caller on may still read"
    assert theirs.get(f"/desk/touches/{touch.id}/script").status_code == 200


def test_the_second_redirect_is_warned_of(
    session: Session, touch: Touch, office: dict[str, User], sign_in: SignIn, phone: Phone, clock: Clock
) -> None:
    assert "third hand-over" not in page(sign_in("anna"), f"/desk/calls/{touch.call_id}/pass")
    start(session, touch, office["anna"], office["vera"], clock, attended=False)
    call_id = call_of(touch).call_id
    phone.apply(TransferStarted(call_id, office["vera"].extension, False, clock()))
    phone.apply(CallTransferred(call_id, office["vera"].extension, clock()))
    assert "third hand-over loses the caller" in page(sign_in("vera"), f"/desk/calls/{touch.call_id}/pass")


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (LegEnd.BUSY, "Vera Sokolova is busy. The caller is with you again."),
        (LegEnd.REJECTED, "Vera Sokolova declined."),
        (LegEnd.NO_ANSWER, "Vera Sokolova does not pick up."),
        (LegEnd.UNREACHABLE, "Vera Sokolova could not be reached."),
        (LegEnd.CANCELLED, "You have the caller back."),
    ],
)
def test_a_transfer_that_fails_says_why_to_both(
    session: Session,
    touch: Touch,
    office: dict[str, User],
    sign_in: SignIn,
    phone: Phone,
    clock: Clock,
    reason: LegEnd,
    words: str,
) -> None:
    start(session, touch, office["anna"], office["vera"], clock)
    call_id, vera = call_of(touch).call_id, office["vera"].extension
    phone.apply(TransferStarted(call_id, vera, True, clock()))
    phone.apply(TransferFailed(call_id, vera, reason, clock.move(seconds=9)))
    text = page(sign_in("anna"))
    assert words in text and "Talking" in text and 'data-key="Z"' in text
    text = page(sign_in("vera"))
    assert "No call" in text and "Rassvet" in text
    clock.move(minutes=2)
    assert words not in page(sign_in("anna")), "old news is no news"


def test_a_caller_nobody_took_is_not_shown_as_talking_until_the_manager_picks_up_again(
    session: Session, touch: Touch, office: dict[str, User], sign_in: SignIn, phone: Phone, clock: Clock
) -> None:
    anna, call_id, vera = sign_in("anna"), call_of(touch).call_id, office["vera"].extension
    start(session, touch, office["anna"], office["vera"], clock, attended=False)
    phone.apply(TransferStarted(call_id, vera, False, clock()))
    phone.apply(TransferFailed(call_id, vera, LegEnd.NO_ANSWER, clock.move(seconds=20)))
    phone.apply(CallerReturning(call_id, office["anna"].extension, clock()))
    text = page(anna)
    assert "Coming back" in text and "pick up when your telephone rings" in text
    assert 'data-key="Q"' in text and "callkey-hold" not in text and "callkey-pass" not in text
    assert "callbar-rec" not in text, "nothing is recorded meanwhile"
    assert press(anna, touch, "hold").status_code == 200 and "Hold" not in asked(session)
    phone.apply(CallResumed(call_id, clock.move(seconds=5)))
    text = page(anna)
    assert "Talking" in text and "Coming back" not in text and "callkey-hold" in text


def test_a_caller_who_leaves_a_message_after_a_passing_on_is_in_nobodys_talk(
    session: Session, touch: Touch, office: dict[str, User], sign_in: SignIn, phone: Phone, clock: Clock
) -> None:
    call_id, vera = call_of(touch).call_id, office["vera"].extension
    start(session, touch, office["anna"], office["vera"], clock, attended=False)
    phone.apply(TransferStarted(call_id, vera, False, clock()))
    phone.apply(TransferFailed(call_id, vera, LegEnd.BUSY, clock.move(seconds=3)))
    phone.apply(CallerReturning(call_id, office["anna"].extension, clock()))
    phone.apply(ApologyStarted(call_id, clock.move(seconds=20)))
    text = page(sign_in("anna"))
    assert "Leaves a message" in text and "Talking" not in text and 'class="callkey"' not in text


def test_who_passes_on_at_the_telephone_has_the_caller_when_it_fails(
    session: Session, touch: Touch, office: dict[str, User], sign_in: SignIn, phone: Phone, clock: Clock
) -> None:
    call_id, vera = call_of(touch).call_id, office["vera"].extension
    phone.apply(TransferAsked(call_id, office["anna"].extension, vera, "", clock()))
    phone.apply(TransferStarted(call_id, vera, False, clock()))
    phone.apply(TransferFailed(call_id, vera, LegEnd.BUSY, clock.move(seconds=3)))
    text = page(sign_in("anna"))
    assert "Talking" in text and "Coming back" not in text
    # Some hang up at that news, and are rung again.
    phone.apply(CallerReturning(call_id, office["anna"].extension, clock.move(seconds=1)))
    assert "Coming back" in page(sign_in("anna"))


def test_a_refused_command_says_why_on_the_page_of_who_asked(
    session: Session, touch: Touch, sign_in: SignIn, phone: Phone, clock: Clock
) -> None:
    anna = sign_in("anna")
    press(anna, touch, "hold")
    row = session.scalars(select(BridgeCommand)).one()
    phone.apply(CommandRefused(call_of(touch).call_id, str(row.id), "not_now", clock()))
    text = page(anna)
    assert "Putting the caller on hold was not possible: not at this moment of the talk." in text
    assert "callkey-asking" not in text
    press(anna, touch, "hold")
    assert asked(session) == ["Hold", "Hold"], "it may be tried again"


def test_telephones_that_do_not_answer_are_told_of(
    session: Session, touch: Touch, sign_in: SignIn, clock: Clock
) -> None:
    anna = sign_in("anna")
    press(anna, touch, "hold")
    clock.move(seconds=7)
    text = page(anna)
    assert "the telephones do not answer" in text and "callkey-asking" not in text


def test_a_held_talk_stays_in_front_of_what_rings_and_behind_a_new_talk(
    session: Session, touch: Touch, sign_in: SignIn, phone: Phone, on_duty: User, clock: Clock
) -> None:
    phone.apply(CallHeld(call_of(touch).call_id, HeldBy.PHONE, clock()))
    second = phone.ring("+74959990011")
    anna = sign_in("anna")
    assert f'name="shown" value="{touch.id}"' in page(anna)
    phone.answer(second, on_duty)
    assert f'name="shown" value="{second.id}"' in page(anna, f"/desk?touch={touch.id}")


def test_the_bar_of_a_talk_takes_few_queries(touch: Touch, sign_in: SignIn, count_queries: Callable[[], int]) -> None:
    anna = sign_in("anna")
    page(anna, f"/desk/bar?shown={touch.id}")
    before = count_queries()
    page(anna, f"/desk/bar?shown={touch.id}")
    assert count_queries() - before <= 26


def test_a_transfer_no_bridge_heard_of_blocks_nothing(
    session: Session, touch: Touch, office: dict[str, User], sign_in: SignIn, clock: Clock
) -> None:
    start(session, touch, office["anna"], office["vera"], clock)
    anna = sign_in("anna")
    assert 'id="callkey-hold"' not in page(anna)
    clock.move(seconds=13)
    assert 'id="callkey-hold"' in page(anna)


def test_a_caller_passed_on_outside_leaves_his_row_to_be_written(
    session: Session, touch: Touch, office: dict[str, User], sign_in: SignIn, phone: Phone, clock: Clock
) -> None:
    session.add(DialRule(role=office["anna"].role, pattern="+7495xxxxxxx"))
    target = transfers.outside(session, office["anna"], "+74957654321")
    assert target
    transfers.start(session, call_of(touch), office["anna"], target, False, "", clock())
    session.commit()
    call_id = call_of(touch).call_id
    phone.apply(TransferStarted(call_id, target.address, False, clock()))
    phone.apply(CallTransferred(call_id, target.address, clock()))
    anna = sign_in("anna")
    assert "My unfinished rows" in page(anna)
    text = page(anna, f"/desk?touch={touch.id}")
    assert "Passed on" in text and 'id="result"' in text and "callkey" not in text


def test_the_page_of_the_call_tells_who_passed_it_on_and_in_which_words(
    session: Session, touch: Touch, office: dict[str, User], sign_in: SignIn, phone: Phone, clock: Clock
) -> None:
    start(session, touch, office["anna"], office["vera"], clock)
    call_id = call_of(touch).call_id
    phone.apply(TransferStarted(call_id, office["vera"].extension, True, clock()))
    phone.apply(CallTransferred(call_id, office["vera"].extension, clock()))
    text = page(sign_in("anna"), f"/calls/{touch.call_id}")
    assert "Pavel wants a price for 20 windows" in text and "took the caller" in text


def test_a_call_taken_on_another_telephone_says_so_and_leaves_its_row(
    phone: Phone, on_duty: User, sign_in: SignIn
) -> None:
    touch = phone.ring()
    phone.end(touch, EndReason.ANSWERED_ELSEWHERE)
    text = page(sign_in("anna"))
    assert "Another telephone took the call" in text
    assert f"/desk?touch={touch.id}" in text, "the row waits among the unfinished ones"


def test_what_the_caller_chose_in_the_menu_stands_in_the_bar(
    session: Session, phone: Phone, on_duty: User, sign_in: SignIn, clock: Clock
) -> None:
    touch = phone.ring()
    line = call_of(touch).line
    assert line
    line.menu = {"choices": [{"digit": "2", "title": "Service <b>", "user_ids": []}]}
    session.commit()
    phone.apply(MenuChosen(call_of(touch).call_id, "2", clock()))
    assert "<dt>Chose</dt><dd>Service &lt;b&gt;</dd>" in page(sign_in("anna"))
