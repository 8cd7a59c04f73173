"""A call that comes to us."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyVoIP.VoIP import CallState

from sipbridge.pyvoip import identity, sdp, wire
from sipbridge.pyvoip.client import ALLOW, SUPPORTED
from sipbridge.pyvoip.dialog import Dialog
from sipbridge.pyvoip.leg import Leg
from sipbridge.pyvoip.message import Message
from sipbridge.pyvoip.rtp import MediaClient
from sipbridge.pyvoip.timers import Timer
from sipbridge.pyvoip.transactions import ServerTransaction
from sipbridge.pyvoip.uri import BadAddress, dialable

if TYPE_CHECKING:
    from sipbridge.pyvoip.endpoint import Endpoint

REPEAT_RINGING = 60.0  # seconds; a proxy gives up a call it hears nothing of for three minutes


class InboundLeg(Leg):
    """Ringing until the bridge answers or refuses, or the caller gives up."""

    inbound = True

    def __init__(
        self,
        endpoint: Endpoint,
        transaction: ServerTransaction,
        client: MediaClient,
        offer: tuple[list[sdp.Section], sdp.Audio] | None,
    ) -> None:
        invite = transaction.request
        super().__init__(endpoint, CallState.RINGING, invite, client, None)
        self.line = endpoint.line_of(invite)
        self.caller_number, self.caller_name = identity.caller(invite)
        self.dialed_number = identity.bounded(invite.to.uri.number, identity.MAX_NUMBER)
        self._invite = transaction
        self._ringing: Timer | None = None
        self._peer = invite.source
        self.dialog = Dialog.from_invite(invite, transaction.to_tag)
        self._answer = self.negotiation.answer(*offer) if offer else b""  # hears the caller from now on
        self.sip.dialogs[self.dialog.key] = self

    def ring(self) -> None:
        with self.sip.lock:
            if self.state != CallState.RINGING:
                return
            if self._ringing:
                self._ringing.cancel()
            contact = ("Contact", self.contact(self._peer))
            self._invite.trying()
            self._invite.respond(180, "Ringing", (contact, ALLOW, SUPPORTED))
            self._ringing = self.sip.timers.after(REPEAT_RINGING, self.ring)

    def answer(self) -> None:
        with self.sip.lock:
            if self.state != CallState.RINGING:
                return
            self._invite.trying()
            self._stop_ringing()
            self.state = CallState.ANSWERED
            self.agree(self._invite, self._answer or self.negotiation.offer_in_response())

    def reject(self, code: int, phrase: str, headers: wire.Fields = ()) -> None:
        with self.sip.lock:
            if self.state != CallState.RINGING:
                return
            if code < 300:
                raise ValueError(f"{code} does not refuse a call")
            self._invite.trying()
            self._invite.respond(code, phrase, headers)
            self._finish(code, "local")

    def redirect(self, contacts: tuple[str, ...]) -> None:
        uris = [dialable(uri).text for uri in contacts]
        if not uris:
            raise BadAddress("nowhere to send the caller to")
        self.reject(302, "Moved Temporarily", (("Contact", ", ".join(f"<{uri}>" for uri in uris)),))

    def _give_up(self) -> None:
        self.reject(480, "Temporarily Unavailable")

    def on_cancel(self, cancel: Message) -> None:
        if self.state != CallState.RINGING:
            return
        self._invite.respond(487, "Request Terminated")
        self._finish(487, "cancelled", identity.answered_elsewhere(cancel))

    def on_bye(self) -> None:
        if self.state == CallState.RINGING:  # legal, if odd, from a caller who saw our 180
            self._invite.respond(487, "Request Terminated")
            self._finish(487, "cancelled")
        else:
            self.bye()

    def _finish(self, code: int, cause: str, elsewhere: bool = False) -> None:
        self._stop_ringing()
        super()._finish(code, cause, elsewhere)

    def _stop_ringing(self) -> None:
        if self._ringing:
            self._ringing.cancel()
            self._ringing = None
