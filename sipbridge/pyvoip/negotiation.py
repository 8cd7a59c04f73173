"""What both sides agreed to send, and every change of it: hold, resume, a new address, a refresh.

RFC 3264 8 says how a session changes, RFC 3261 14 that one INVITE at a time may be under way in a dialog.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from pyVoIP.VoIP import CallState

from sipbridge.pyvoip import sdp, session_timer, wire
from sipbridge.pyvoip.client import ACCEPT, ALLOW, SUPPORTED
from sipbridge.pyvoip.leg_events import Held, Unheld
from sipbridge.pyvoip.leg_part import LegPart
from sipbridge.pyvoip.message import Message
from sipbridge.pyvoip.timers import Timer
from sipbridge.pyvoip.transactions import ServerTransaction

if TYPE_CHECKING:
    from sipbridge.pyvoip.leg import Leg

MAX_PUT_OFF = 10  # times one change is put off by the far end before it counts as refused
RESUME_AGAIN = 2.0  # seconds
NOT_LISTENING = ("sendonly", "inactive")


class Negotiation(LegPart):
    """The session of one leg. Works under the client's lock.

    `direction` is the far end's view of what flows. `held`: it has put us on hold. `hold` is the direction of
    our own hold that it agreed to ("sendonly" with music, "inactive" without), "" while we don't hold.
    """

    def __init__(self, leg: Leg, local: sdp.Local) -> None:
        super().__init__(leg)
        self.direction = "sendrecv"
        self.held = False
        self.hold = ""
        self._local = local
        self._said = ""  # the direction our last description named
        self._wanted = ""  # what `hold` is to become
        self._refresh = False  # a re-INVITE is due to show that the call lives
        self._busy = False  # a re-INVITE of ours is under way
        self._pause: Timer | None = None  # until we try again after a 491
        self._put_off = 0
        self._offered = False  # our 2xx made the offer, the ACK brings the answer

    # The first offer and answer

    def offer(self, direction: str = "sendrecv") -> bytes:
        """Our description; one that says something new gets a new version (RFC 3264 8)."""
        if self._said not in ("", direction):
            self._local = self._local.changed()
        self._said = direction
        return self._local.offer(direction)

    def offer_in_response(self) -> bytes:
        """The offer of a 2xx to an INVITE without one."""
        self._offered = True
        return self.offer(self.hold or "sendrecv")

    def answer(self, sections: list[sdp.Section], audio: sdp.Audio) -> bytes:
        """Our answer to their offer, which takes effect with it."""
        ours = sdp.answering(audio.direction, self.hold)
        body, self._said = self._local.answer(sections, audio, ours), ours
        self._apply(audio, sdp.MIRRORED[ours])
        return body

    def take_answer(self, message: Message) -> bool:
        """Use their answer to our offer; False when there is none that can be used."""
        try:
            audio = sdp.choose(sections_of(message) or [], self._leg.codec, ipv6=self._leg.sip.local.ipv6)
        except sdp.Unacceptable:
            return False
        self._apply(audio, audio.direction)
        return True

    def _apply(self, audio: sdp.Audio, direction: str) -> None:
        self.direction = direction
        self._leg.hear("" if direction == "inactive" else audio.ip, audio.port)

    # Their offers

    def on_offer(self, transaction: ServerTransaction) -> None:
        """Answer a re-INVITE or UPDATE: hold, resume, a new address, a session refresh (RFC 3261 14.2)."""
        leg, request = self._leg, transaction.request
        if leg.state != CallState.ANSWERED:
            transaction.respond(500, "Not Answered Yet", (("Retry-After", "3"),))
            return
        if (self._busy or self._offered) and (request.method == "INVITE" or request.content):
            transaction.respond(491, "Request Pending")
            return
        if session_timer.too_short(request):
            transaction.respond(422, "Session Interval Too Small", session_timer.MIN_SE)
            return
        if request.content and body_of(request) is None:
            transaction.respond(415, "Unsupported Media Type", (ACCEPT,))
            return
        body, theirs = b"", ""
        try:
            sections = sections_of(request)
            if sections is not None:
                audio = sdp.choose(sections, leg.codec, ipv6=leg.sip.local.ipv6)
                self._local = self._local.changed()
                body, theirs = self.answer(sections, audio), audio.direction
            elif request.method == "INVITE":
                body = self.offer_in_response()
        except sdp.Unacceptable as refusal:
            transaction.respond(488, "Not Acceptable Here", (warning(refusal),))
            return
        if leg.dialog:
            leg.dialog.refresh_target(request)
        if theirs and not (theirs == self.hold == "inactive"):  # silence offered into our hold is no hold of theirs
            self._note_hold(theirs in NOT_LISTENING)
        leg.agree(transaction, body)

    def on_ack(self, ack: Message) -> None:
        """Their ACK came, perhaps with the answer to our offer; without a usable one the call can't go on."""
        if self._offered:
            self._offered = False
            if not self.take_answer(ack):
                self._leg.end(488, "failed")

    def settled(self) -> None:
        """The direction last agreed holds: tell a hold of theirs, then ask what waits to be asked."""
        if not self.hold:
            self._note_hold(self.direction in NOT_LISTENING)
        self.go_on()

    def _note_hold(self, held: bool) -> None:
        if held != self.held:
            self.held = held
            self._leg.endpoint.report(self._leg, Held() if held else Unheld())

    # Our offers

    def want(self, hold: str) -> None:
        """Hold the far end ("sendonly" or "inactive") or take it back (""), as soon as that may be asked."""
        self._wanted = hold
        self.go_on()

    def refresh(self) -> None:
        """Show by a re-INVITE that the call lives."""
        self._refresh = True
        self.go_on()

    def go_on(self) -> None:
        """Ask what is to be asked, unless an INVITE is under way in either direction."""
        leg = self._leg
        if self._busy or self._pause or self._offered or leg.state != CallState.ANSWERED or leg.awaits_ack:
            return
        changes = self._wanted != self.hold
        if not (changes or self._refresh):
            return
        self._busy = True
        hold, refreshes = self._wanted, self._refresh
        offered = hold or ("sendrecv" if changes else sdp.MIRRORED[self.direction])
        fields = (ALLOW, SUPPORTED, *leg.session.asking())

        def over(response: Message | int) -> None:
            self._reinvited(response, hold, refreshes)

        leg.send_request("INVITE", over, fields, self.offer(offered))

    def _reinvited(self, response: Message | int, hold: str, refreshes: bool) -> None:
        leg, code = self._leg, response if isinstance(response, int) else response.code
        self._busy = False
        if leg.ended:
            return
        if code == 481 or (code == 408 and not leg.is_heard):  # the far end has no such call any more
            leg.end(code, "timeout")
            return
        if isinstance(response, Message) and code < 300:
            if leg.dialog:
                leg.dialog.refresh_target(response)
            leg.session.refreshed(response)
            self.hold, self._refresh, self._put_off = hold, False, 0
            self.take_answer(response)
            self.settled()
            return
        if (pause := self._patience(response, hold)) is not None:
            self._put_off += isinstance(response, Message)
            self._pause = leg.sip.timers.after(pause, self._again)
            return
        self._wanted, self._refresh, self._put_off = self.hold, False, 0  # refused: the call goes on as it was
        if refreshes:
            leg.session.refreshed(response)

    def _patience(self, response: Message | int, hold: str) -> float | None:
        """Seconds until a refused change is tried again, None when it is refused for good.

        After a collision the side that began the call waits longer (RFC 3261 14.1). Nobody is left on hold
        because of one refusal, nor because the way there is broken for a while.
        """
        again = RESUME_AGAIN if self.hold and not hold else None
        if isinstance(response, int):
            return again
        if self._put_off >= MAX_PUT_OFF:
            return None
        if response.code == 491:
            return (random.randint(0, 200) if self._leg.inbound else random.randint(210, 400)) / 100  # noqa: S311
        if response.code == 500 and (wait := response.number("retry-after", 10)) is not None:
            return wait  # it is busy with an earlier INVITE (RFC 3261 14.2)
        return again

    def _again(self) -> None:
        self._pause = None
        self.go_on()


def warning(refusal: sdp.Unacceptable) -> tuple[str, str]:
    """The Warning header that says why a session was refused."""
    return "Warning", f'{refusal.code} {wire.PRODUCT} "{refusal}"'


def body_of(message: Message) -> bytes | None:
    """The session description a message carries, None without one."""
    return sdp.body_of(message.media_type, message.header("content-type"), message.content)


def sections_of(message: Message) -> list[sdp.Section] | None:
    """The media sections of a message's session description, None without one. Raises Unacceptable."""
    content = body_of(message)
    return sdp.parse(content) if content and content.strip() else None
