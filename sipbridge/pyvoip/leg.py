"""One leg: a call between us and one telephone (pyVoIP's VoIPCall, its signalling replaced).

What both directions share is here: events, media, renegotiation, session timers, the end. `InboundLeg` and
`OutboundLeg` add how a call begins.
"""

from __future__ import annotations

import secrets
import time
import uuid
import weakref
from typing import TYPE_CHECKING, Any

from pyVoIP.VoIP import CallState, VoIPCall

from sipbridge.media.stream import Stream
from sipbridge.pyvoip import in_dialog, sdp, session_timer, wire
from sipbridge.pyvoip.client import ACCEPT, ALLOW, SUPPORTED, Client
from sipbridge.pyvoip.dialog import Dialog
from sipbridge.pyvoip.dtmf import Keypad
from sipbridge.pyvoip.leg_events import Answered, Dtmf, Ended
from sipbridge.pyvoip.message import Address, Message
from sipbridge.pyvoip.negotiation import Negotiation
from sipbridge.pyvoip.net import is_numeric
from sipbridge.pyvoip.referral import Referral
from sipbridge.pyvoip.rtp import MediaClient
from sipbridge.pyvoip.session_timer import Session, SessionWatch
from sipbridge.pyvoip.timers import TIMEOUT
from sipbridge.pyvoip.transactions import ServerTransaction

if TYPE_CHECKING:
    from sipbridge.pyvoip.endpoint import Endpoint

HEARD_WITHIN = 5.0
"""Seconds without a packet after which the far end is not heard any more."""


class Leg(VoIPCall):
    """A call between us and one telephone. Methods may be called from any thread and never wait.

    `id` is ours and can't be guessed. `caller_number` is '' when hidden. `codec` is "PCMU" or "PCMA".
    Each leg reports exactly one `Ended`, for what we ended ourselves from within the method that ended it.
    """

    inbound: bool
    line: str
    caller_number: str
    caller_name: str
    dialed_number: str
    may_be_proved_to = True
    """Whether a challenge of the far end may be answered with an account's password, if it is that account's PBX."""

    def __init__(
        self, endpoint: Endpoint, state: CallState, request: Any, client: MediaClient, ms: dict[int, Any] | None
    ) -> None:
        super().__init__(endpoint, state, request, secrets.randbits(48), client.inIP, ms=ms)
        self.id = uuid.uuid4().hex
        self.endpoint = endpoint
        self.sip: Client = endpoint.sip
        self.RTPClients.append(client)
        self.media: Stream = client.stream
        self.codec: str = self.media.codec
        self.dialog: Dialog | None = None
        self._client = client
        self._peer: Address = ("", 0)
        self._awaiting_ack: dict[int, ServerTransaction] = {}
        self._confirmed = False  # the caller acknowledged that we answered (inbound)
        self._bye_after_ack = False
        # The parts don't hold the leg, so that it is free as soon as it is over: left to the collector, thousands
        # would wait for it, and all threads while it works.
        me: Leg = weakref.proxy(self)
        self.session = SessionWatch(
            self.sip.timers,
            refresh=lambda session: me._send_refresh(session),
            dead=lambda code: me.end(code, "timeout"),
            heard=lambda: me.is_heard,
        )
        self._peer_allows: set[str] = set()
        local = sdp.Local(client.inIP, self.media.local_port, self.codec, client.event, int(self.session_id))
        self.negotiation = Negotiation(self, local)
        self.referral = Referral(self)
        self._keypad = Keypad(self.sip.timers.clock, lambda key: me._pressed(key))
        self.media.on_dtmf = self._keypad.heard

    def __del__(self) -> None:
        """Nothing: pyVoIP gives back ports here, under a lock its own thread may hold."""

    @property
    def ended(self) -> bool:
        return bool(self.state == CallState.ENDED)

    @property
    def held(self) -> bool:
        """Whether the far end has put us on hold: it does not listen to us."""
        return self.negotiation.held

    @property
    def is_heard(self) -> bool:
        """Whether the far end's sound comes now."""
        return time.monotonic() - self.media.last_received < HEARD_WITHIN

    @property
    def on_hold(self) -> bool:
        """Whether we have put the far end on hold and it agreed."""
        return bool(self.negotiation.hold)

    # What the bridge may ask. Inbound and outbound legs override what applies to them

    def ring(self) -> None:
        """Send 180 Ringing (inbound)."""

    def answer(self) -> None:
        """Send 200 with our session description, until ACK (inbound)."""

    def reject(self, code: int, phrase: str, headers: wire.Fields = ()) -> None:
        """Refuse with a final code of 300 or above (inbound, unanswered)."""

    def redirect(self, contacts: tuple[str, ...]) -> None:
        """Send the caller to other SIP URIs, the first preferred (302; inbound, unanswered).

        Raises ValueError for what is no URI a caller can be sent to.
        """

    def deny(self) -> None:
        self.reject(486, "Busy Here")

    def cancel(self, *, elsewhere: bool = False) -> None:
        """Give up an outbound leg that is not answered. `elsewhere` tells the phone that a colleague took it."""

    def hold(self, music: bool = False) -> None:
        """Put the far end on hold; with `music` it goes on hearing what `media` plays.

        Asked as soon as the call stands and nothing else is being asked. A far end that refuses goes on talking;
        `on_hold` tells.
        """
        with self.sip.lock:
            self.negotiation.want("sendonly" if music else "inactive")

    def resume(self) -> None:
        """Take the far end back from our hold."""
        with self.sip.lock:
            self.negotiation.want("")

    def transfer_progress(self, code: int, phrase: str) -> None:
        """Tell the far end how the transfer it asked for stands, in SIP words; from 200 on that is the last word."""
        with self.sip.lock:
            self.referral.progress(code, phrase)

    def hangup(self) -> None:
        """End the leg in whatever state it is. Idempotent."""
        with self.sip.lock:
            if self.state == CallState.ANSWERED:
                self.end(200, "local")
            elif not self.ended:
                self._give_up()

    def _give_up(self) -> None:
        raise NotImplementedError

    def bye(self) -> None:
        """The far end hung up."""
        self._stop_answering()
        self._finish(200, "remote_bye")

    def _stop_answering(self) -> None:
        """The far end needs no more copies of our answers, acknowledged or not."""
        for transaction in self._awaiting_ack.values():
            transaction.on_ack()
        self._awaiting_ack.clear()

    # The end

    def end(self, code: int, cause: str) -> None:
        """Hang up, once the far end has confirmed the call (RFC 3261 15)."""
        self._finish(code, cause)
        if self.inbound and not self._confirmed:
            self._bye_after_ack = True
        else:
            self._stop_answering()
            self.send_request("BYE", lambda response: None)

    def _finish(self, code: int, cause: str, elsewhere: bool = False) -> None:
        """Give back what the leg holds and report its end, the first time only."""
        if self.ended:
            return
        self.state = CallState.ENDED
        self.session.watch(None)
        self._client.stop()
        self.endpoint.forget(self)
        self.sip.timers.after(TIMEOUT, self._forget_dialog)
        self.endpoint.report(self, Ended(code, cause, elsewhere))

    def _forget_dialog(self) -> None:
        if self.dialog:
            self.sip.dialogs.pop(self.dialog.key, None)

    # Requests inside the dialog

    def on_request(self, transaction: ServerTransaction) -> None:
        """A request of the far end inside our dialog, not a retransmission."""
        request, dialog = transaction.request, self.dialog
        if dialog is None or (self.ended and request.method != "BYE"):
            transaction.respond(481, "Call Does Not Exist")
            return
        if not dialog.in_order(request):
            transaction.respond(500, "Out Of Order", (("Retry-After", "2"),))
            return
        match request.method:
            case "BYE":
                transaction.respond(200, "OK")
                self.on_bye()
            case "INVITE" | "UPDATE":
                self.negotiation.on_offer(transaction)
            case "INFO":
                self._keypad.on_info(transaction)
            case "REFER":
                self.referral.on_refer(transaction)
            case "OPTIONS":
                transaction.respond(200, "OK", (ACCEPT, ALLOW, SUPPORTED))
            case _:  # NOTIFY without a subscription, PRACK without a reliable response
                transaction.respond(481, "Nothing To Match")

    def on_bye(self) -> None:
        self.bye()

    def on_cancel(self, cancel: Message) -> None:
        """The caller gave up; only an unanswered inbound leg is concerned."""

    def on_ack(self, ack: Message) -> None:
        transaction = self._awaiting_ack.pop(ack.cseq, None)
        if transaction is None:
            return
        transaction.on_ack()
        first, self._confirmed = not self._confirmed, True
        if not self.ended:
            self.negotiation.on_ack(ack)
        if not self.ended:
            if first and self.inbound:
                self.endpoint.report(self, Answered())
            self.negotiation.settled()
        if self._bye_after_ack:
            self._bye_after_ack = False
            self.send_request("BYE", lambda response: None)

    def _pressed(self, key: str) -> None:
        if not self.ended:
            self.endpoint.report(self, Dtmf(key))

    # The session

    @property
    def awaits_ack(self) -> bool:
        """Whether an INVITE of the far end is under way."""
        return bool(self._awaiting_ack)

    def agree(self, transaction: ServerTransaction, body: bytes) -> None:
        """Send the 2xx to an INVITE or UPDATE, with the session timer it asked for."""
        request = transaction.request
        self._peer = request.source
        self._peer_allows = {method.upper() for method in request.values("allow")} or self._peer_allows
        session, fields = session_timer.as_server(request)
        self.session.watch(session)
        contact = ("Contact", self.contact(request.source))
        transaction.respond(200, "OK", (contact, ALLOW, SUPPORTED, *fields), body)
        if request.method == "INVITE":
            self._awaiting_ack[request.cseq] = transaction
            transaction.repeat_until_ack(lambda: None, lambda: self._never_acknowledged(request.cseq))

    def _never_acknowledged(self, cseq: int) -> None:
        self._awaiting_ack.pop(cseq, None)
        already_told = self.ended and not self._bye_after_ack
        self._bye_after_ack = False
        self._finish(408, "no_ack")
        if not already_told:
            self.send_request("BYE", lambda response: None)

    def hear(self, ip: str, port: int) -> None:
        """The far end's sound comes from and goes to this address; '' for nobody."""
        self.media.signalled_from = self._peer[0]
        self._client.set_remote(ip, port)

    def _send_refresh(self, session: Session) -> None:
        """Show that the call lives: an UPDATE where the far end knows it, else a re-INVITE."""
        if "UPDATE" in self._peer_allows:
            self.send_request("UPDATE", self._refreshed, (ALLOW, SUPPORTED, *self.session.asking()))
        else:
            self.negotiation.refresh()

    def _refreshed(self, response: Message | int) -> None:
        if self.dialog and isinstance(response, Message) and response.code < 300:
            self.dialog.refresh_target(response)
        self.session.refreshed(response)

    # Sending inside the dialog

    def contact(self, destination: Address) -> str:
        """Our Contact value for this leg as `destination` must see it."""
        return self.endpoint.contact(self.line, destination)

    def next_hop(self) -> Address:
        """By the route set or Contact when that is an address we know; otherwise whence the far end last spoke."""
        hop = self.dialog.next_hop() if self.dialog else None
        if hop and is_numeric(hop[0]) and (hop[0] == self._peer[0] or self.sip.peers.serves(hop[0])):
            return hop
        return self._peer

    def send_request(
        self, method: str, on_final: in_dialog.OnFinal, fields: wire.Fields = (), body: bytes = b""
    ) -> None:
        if self.dialog:
            in_dialog.send(self, self.dialog, method, on_final, fields, body)
