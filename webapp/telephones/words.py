"""The ladder in words: what a SIP message means to somebody who is no engineer, and what became of the call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from webapp.calls.models import Call
from webapp.pages import duration
from webapp.telephones import ladder
from webapp.telephones.ladder import CALLER, HERE, Message

MODES: dict[str, LazyString] = {
    "bridge": _l("answers and connects"),
    "watch": _l("rings along, never answers"),
    "redirect": _l("sends the caller on to the manager's telephone"),
}
"""How a line stands in the office (`sipbridge.events.Mode`)."""
COUNTERS: dict[str, LazyString] = {
    "received": _l("messages received"),
    "sent": _l("messages sent"),
    "invites": _l("calls asked for"),
    "retransmissions": _l("messages heard twice"),
    "refused_strangers": _l("messages of strangers, not answered"),
    "malformed": _l("messages that can't be read"),
    "stray_responses": _l("answers to nothing we asked"),
    "over_the_cap": _l("calls refused: too many at once"),
    "no_rtp_port": _l("calls refused: no port for the sound"),
    "wrong_proofs": _l("wrong secrets of softphones"),
    "throttled_registers": _l("softphones held off for guessing"),
    "unsent": _l("messages that could not be sent"),
    "errors": _l("errors of our own"),
}
"""The bridge's counters since its start."""
WORRYING = frozenset({"errors", "no_rtp_port", "over_the_cap", "wrong_proofs", "throttled_registers", "unsent"})

ANSWERS: dict[int, LazyString] = {
    100: _l("one moment"),
    180: _l("it rings"),
    181: _l("it is being forwarded"),
    182: _l("waits in a queue"),
    183: _l("sound before anybody answers"),
    301: _l("has moved to another number"),
    302: _l("please call another telephone"),
    400: _l("could not read that"),
    401: _l("who are you? The password, please"),
    403: _l("not allowed"),
    404: _l("there is no such number"),
    407: _l("who are you? The password, please"),
    408: _l("nobody answered in time"),
    410: _l("this number is gone"),
    415: _l("does not know this kind of content"),
    420: _l("does not know what was asked for"),
    422: _l("wants a longer interval"),
    480: _l("not available now"),
    481: _l("knows no such call"),
    482: _l("has seen this call already"),
    484: _l("the number is not complete"),
    486: _l("busy"),
    487: _l("ended before anybody answered"),
    488: _l("no sound that both understand"),
    491: _l("not at this moment"),
    500: _l("something broke"),
    501: _l("can't do that"),
    503: _l("too much to do; try again later"),
    600: _l("busy everywhere"),
    603: _l("declined"),
    604: _l("there is no such number anywhere"),
    606: _l("no sound that both understand"),
}
REQUESTS: dict[str, LazyString] = {
    "ACK": _l("understood"),
    "PRACK": _l("understood"),
    "REFER": _l("asks to pass the call on"),
    "NOTIFY": _l("tells how passing on goes"),
    "INFO": _l("a key was pressed"),
    "UPDATE": _l("is the call still there?"),
    "OPTIONS": _l("is the call still there?"),
}


def meaning(message: Message) -> str:
    """One message in a few plain words."""
    words = _answer(message) if message.code else _request(message)
    return _("%(words)s (once more)", words=words) if message.again else words


def _request(message: Message) -> str:
    from_desk, from_caller = message.sender == HERE, message.sender == CALLER
    if message.kind == "INVITE":
        if message.inside:
            return _("puts the talk on hold") if message.holds else _("changes how the sound goes")
        if message.proves:
            return _("calls once more, with the password")
        return _("please ring") if from_desk else _("calls")
    if message.kind == "CANCEL":
        return _("stop ringing") if from_desk else _("hangs up before anybody answered")
    if message.kind == "BYE":
        return _("ends the call") if from_desk else _("hangs up")
    if message.kind == "ACK" and from_caller:
        return _("understood")
    known = REQUESTS.get(message.kind)
    return str(known) if known else _("asks something else")


def _answer(message: Message) -> str:
    code = message.code
    if 200 <= code < 300:
        if message.kind != "INVITE" or message.inside:
            return _("understood")
        return _("picked up") if message.sender != HERE else _("answered")
    if code in ANSWERS:
        return str(ANSWERS[code])
    if code < 200:
        return _("goes on")
    return _("forwards the call") if code < 400 else _("refused (%(code)d)", code=code)


def line_error(detail: str) -> str:
    """Why a line is not registered, for the reader; what is not known is shown as the bridge wrote it."""
    code = detail[:3]
    if code in ("401", "403", "407"):
        return _("the PBX refuses the name or the password")
    if code == "404":
        return _("the PBX knows no such account")
    if code.isdecimal() and code.startswith(("5", "6")):
        return _("the PBX has trouble of its own")
    known = {
        "no answer": _("the PBX does not answer"),
        "nobody listens there": _("no PBX listens at this address"),
        "the registrar's name is unknown": _("the PBX's name is not found"),
        "the registrar kept no binding": _("the PBX says yes and forgets the line"),
    }
    return known.get(detail, detail)


def summary(call: Call, messages: Sequence[Message], names: Mapping[str, str]) -> str:
    """What became of the call, in one or two sentences. `names`: whose each extension is."""
    seconds = round(call.ring_seconds)
    if call.state != "ended":
        return _("The call goes on.")
    if call.answered_at:
        taker = call.answered_by.name if call.answered_by else _("somebody")
        told = (
            _("%(name)s called; the client picked up after %(seconds)d s.", name=taker, seconds=seconds)
            if call.direction == "out"
            else _("%(name)s picked up after %(seconds)d s.", name=taker, seconds=seconds)
        )
        told += " " + _("They spoke for %(time)s.", time=duration(call.talk_seconds))
        if ended := ladder.who_hung_up(messages):
            caller = _("The client hung up.") if call.direction == "out" else _("The caller hung up.")
            told += " " + (caller if ended == CALLER else _("%(name)s hung up.", name=names.get(ended, ended)))
        return told
    if call.direction == "out":
        texts = {
            "no_answer": _("The client's telephone was called for %(seconds)d s; nobody picked up.", seconds=seconds),
            "rejected": _("The client was busy or declined."),
            "abandoned": _("The call was given up on our side before the client answered."),
        }
        return texts.get(call.end_reason, _("The call could not be made."))
    if call.end_reason == "abandoned":
        until = next((m.ms for m in messages if m.sender == CALLER and m.kind in ("CANCEL", "BYE")), 1 << 40)
        ringing = [names.get(name, name) for name in ladder.still_ringing(messages, until - 1)]
        if call.greeted_at:
            return _("The caller hung up after %(seconds)d s, having heard the greeting.", seconds=seconds)
        if ringing:
            return _(
                "The caller hung up after %(seconds)d s while the telephone of %(who)s rang.",
                seconds=seconds,
                who=", ".join(ringing),
            )
        return _("The caller hung up after %(seconds)d s while no telephone rang.", seconds=seconds)
    texts = {
        "no_answer": _(
            "Nobody picked up within %(seconds)d s; the caller heard that we shall ring back.", seconds=seconds
        ),
        "rejected": _("The call was refused: too many calls at once, or no sound that both understand."),
        "redirected": _("The caller was sent on to the manager's telephone; what became of it is not known here."),
        "answered_elsewhere": _("Another telephone of the group took the call."),
    }
    return texts.get(call.end_reason, _("The call broke off: something failed."))
