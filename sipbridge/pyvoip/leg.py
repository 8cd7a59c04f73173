"""One leg: a call between us and one telephone (pyVoIP's VoIPCall, its signalling replaced).

What both directions share is here: events, media, renegotiation, session timers, the end. `InboundLeg` and
`OutboundLeg` add how a call begins.
"""

from __future__ import annotations

import secrets
import uuid
from typing import TYPE_CHECKING, Any

from pyVoIP.VoIP import CallState, VoIPCall

from sipbridge.media.stream import Stream
from sipbridge.pyvoip import in_dialog, sdp, session_timer, wire
from sipbridge.pyvoip.client import ACCEPT, ALLOW, SUPPORTED, Client
from sipbridge.pyvoip.dialog import Dialog
from sipbridge.pyvoip.leg_events import Ended
from sipbridge.pyvoip.message import Address, Message
from sipbridge.pyvoip.net import is_numeric
from sipbridge.pyvoip.rtp import MediaClient
from sipbridge.pyvoip.session_timer import Session, SessionWatch
from sipbridge.pyvoip.timers import TIMEOUT
from sipbridge.pyvoip.transactions import ServerTransaction

if TYPE_CHECKING:
    from sipbridge.pyvoip.endpoint import Endpoint

INFO_TYPES = ("application/dtmf-relay", "application/dtmf", "application/media_control+xml")


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
        self.direction = "sendrecv"  # the far end's view; see `held`
        self._client = client
        self._peer: Address = ("", 0)
        self._local: sdp.Local
        self._awaiting_ack: dict[int, ServerTransaction] = {}
        self._bye_after_ack = False
        self._offered = False  # our 2xx made the offer, the ACK brings the answer
        self._renegotiating = False  # a re-INVITE of ours is under way
        self._session = SessionWatch(self.sip.timers, self._send_refresh, lambda code: self._bye(code, "timeout"))
        self._peer_allows: set[str] = set()

    def __del__(self) -> None:
        """Nothing: pyVoIP gives back ports here, under a lock its own thread may hold."""

    @property
    def ended(self) -> bool:
        return bool(self.state == CallState.ENDED)

    @property
    def held(self) -> bool:
        """Whether the far end has put us on hold: it does not listen to us."""
        return self.direction in ("sendonly", "inactive")

    # What the bridge may ask. Inbound and outbound legs override what applies to them

    def ring(self) -> None:
        """Send 180 Ringing (inbound)."""

    def answer(self) -> None:
        """Send 200 with our session description, until ACK (inbound)."""

    def reject(self, code: int, phrase: str, headers: wire.Fields = ()) -> None:
        """Refuse with a final code of 300 or above (inbound, unanswered)."""

    def deny(self) -> None:
        self.reject(486, "Busy Here")

    def cancel(self, *, elsewhere: bool = False) -> None:
        """Give up an outbound leg that is not answered. `elsewhere` tells the phone that a colleague took it."""

    def hangup(self) -> None:
        """End the leg in whatever state it is. Idempotent."""
        with self.sip.lock:
            if self.state == CallState.ANSWERED:
                self._bye(200, "local")
            elif not self.ended:
                self._give_up()

    def _give_up(self) -> None:
        raise NotImplementedError

    def bye(self) -> None:
        """The far end hung up. It needs no more copies of our answer, acknowledged or not."""
        for transaction in self._awaiting_ack.values():
            transaction.on_ack()
        self._awaiting_ack.clear()
        self._finish(200, "remote_bye")

    # The end

    def _bye(self, code: int, cause: str) -> None:
        """Hang up, once the far end has confirmed the call (RFC 3261 15)."""
        self._finish(code, cause)
        if self._awaiting_ack and self.inbound:
            self._bye_after_ack = True
        else:
            self._request("BYE", lambda response: None)

    def _finish(self, code: int, cause: str, elsewhere: bool = False) -> None:
        """Give back what the leg holds and report its end, the first time only."""
        if self.ended:
            return
        self.state = CallState.ENDED
        self._session.watch(None)
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
                self.on_offer(transaction)
            case "INFO":
                known = not request.content or request.media_type in INFO_TYPES
                transaction.respond(*((200, "OK") if known else (415, "Unsupported Media Type")))
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
        if self._offered and not self.ended:
            self._offered = False
            self._take_answer(ack)
        if self._bye_after_ack:
            self._bye_after_ack = False
            self._request("BYE", lambda response: None)

    def _take_answer(self, message: Message) -> None:
        """Use the answer to our offer; without a usable one the call can't go on."""
        try:
            self._apply(sdp.choose(self._sections(message) or [], self.codec, ipv6=self.sip.local.ipv6))
        except sdp.Unacceptable:
            self._bye(488, "failed")

    # Renegotiation

    def on_offer(self, transaction: ServerTransaction) -> None:
        """Answer a re-INVITE or UPDATE: hold, resume, a new address, a session refresh (RFC 3261 14.2)."""
        request = transaction.request
        if self.state != CallState.ANSWERED:
            transaction.respond(500, "Not Answered Yet", (("Retry-After", "3"),))
            return
        if self._renegotiating and (request.method == "INVITE" or request.content):
            transaction.respond(491, "Request Pending")
            return
        if session_timer.too_short(request):
            transaction.respond(422, "Session Interval Too Small", session_timer.MIN_SE)
            return
        if request.content and not _has_offer(request):
            transaction.respond(415, "Unsupported Media Type", (ACCEPT,))
            return
        body = b""
        try:
            sections = self._sections(request)
            if sections is not None:
                audio = sdp.choose(sections, self.codec, ipv6=self.sip.local.ipv6)
                self._local = self._local.changed()
                body = self._local.answer(sections, audio)
                self._apply(audio)
            elif request.method == "INVITE":
                body, self._offered = self._local.offer(), True
        except sdp.Unacceptable as refusal:
            transaction.respond(488, "Not Acceptable Here", (warning(refusal),))
            return
        if self.dialog:
            self.dialog.refresh_target(request)
        self._agree(transaction, body)

    def _agree(self, transaction: ServerTransaction, body: bytes) -> None:
        """Send the 2xx to an INVITE or UPDATE, with the session timer it asked for."""
        request = transaction.request
        self._peer = request.source
        self._peer_allows = {method.upper() for method in request.values("allow")} or self._peer_allows
        session, fields = session_timer.as_server(request)
        self._session.watch(session)
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
            self._request("BYE", lambda response: None)

    def _sections(self, message: Message) -> list[sdp.Section] | None:
        content = sdp.body_of(message.media_type, message.header("content-type"), message.content)
        return sdp.parse(content) if content and content.strip() else None

    def _apply(self, audio: sdp.Audio) -> None:
        """Send to where the far end listens, or nowhere when it does not want to hear."""
        self.direction = audio.direction
        self.media.signalled_from = self._peer[0]
        self._client.set_remote("" if audio.direction == "inactive" else audio.ip, audio.port)

    def _send_refresh(self, session: Session) -> None:
        """Show that the call lives: an UPDATE where the far end knows it, else a re-INVITE."""
        fields = (ALLOW, SUPPORTED, *session_timer.asking(session))
        if "UPDATE" in self._peer_allows:
            self._request("UPDATE", self._refreshed, fields)
        else:
            self._renegotiating = True
            mirrored = sdp.MIRRORED[self.direction]
            self._request("INVITE", self._refreshed, fields, self._local.offer(mirrored))

    def _refreshed(self, response: Message | int) -> None:
        self._renegotiating = False
        if self.dialog and isinstance(response, Message) and response.code < 300:
            self.dialog.refresh_target(response)
        self._session.refreshed(response)

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

    def _request(self, method: str, on_final: in_dialog.OnFinal, fields: wire.Fields = (), body: bytes = b"") -> None:
        if self.dialog:
            in_dialog.send(self, self.dialog, method, on_final, fields, body)


def warning(refusal: sdp.Unacceptable) -> tuple[str, str]:
    """The Warning header that says why a session was refused."""
    return "Warning", f'{refusal.code} {wire.PRODUCT} "{refusal}"'


def _has_offer(request: Message) -> bool:
    return sdp.body_of(request.media_type, request.header("content-type"), request.content) is not None
