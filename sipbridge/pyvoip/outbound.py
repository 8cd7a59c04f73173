"""A call that we place: to a manager's softphone by any SIP URI, or to a number through a line's account."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pyVoIP.VoIP import CallState

from sipbridge.pyvoip import identity, redirection, session_timer, wire
from sipbridge.pyvoip.client import ALLOW, SUPPORTED
from sipbridge.pyvoip.dialog import Dialog, new_branch
from sipbridge.pyvoip.invitation import Invitation
from sipbridge.pyvoip.leg import Leg
from sipbridge.pyvoip.leg_events import Answered, Ringing
from sipbridge.pyvoip.message import Address, Message
from sipbridge.pyvoip.rtp import MediaClient
from sipbridge.pyvoip.timers import TIMEOUT, Timer
from sipbridge.pyvoip.transactions import TIMED_OUT, UNREACHABLE, ClientTransaction
from sipbridge.pyvoip.uri import Uri

if TYPE_CHECKING:
    from sipbridge.pyvoip.endpoint import Endpoint
    from sipbridge.pyvoip.registration import Account

LONGEST_RINGING = 300.0  # seconds; a telephone that said 180 may have vanished since (timer C)
CAUSES = {486: "busy", 600: "busy", 408: "timeout", 487: "cancelled", 488: "failed", 606: "failed", 415: "failed"}


@dataclass
class _Unsent:
    """What pyVoIP's constructor reads of a request that is not written yet."""

    headers: dict[str, str] = field(default_factory=dict)


class OutboundLeg(Leg):
    """Dialling until the far end answers or refuses, or the bridge gives up.

    `account` is the one the call goes out through, if any. `address` is where the INVITE goes when the URI does
    not say, since a telephone registered from there; requests of the call then follow its packets, not its Contact,
    it gets no proof of our passwords, and it diverts nobody.
    """

    inbound = False

    def __init__(
        self,
        endpoint: Endpoint,
        uri: Uri,
        client: MediaClient,
        caller_number: str,
        caller_name: str,
        account: Account | None = None,
        address: Address | None = None,
    ) -> None:
        call_id = uuid.uuid4().hex
        ms: dict[int, Any] = {client.inPort: client.assoc}
        super().__init__(endpoint, CallState.DIALING, _Unsent({"Call-ID": call_id}), client, ms)
        self.line = (account.line if account else uri.user or "").lower()
        self.caller_number = identity.bounded(caller_number, identity.MAX_NUMBER)
        self.caller_name = identity.bounded(caller_name, identity.MAX_NAME)
        self.dialed_number = uri.number
        self._uri = uri
        self._to = f"<{uri.text}>"
        self._account, self._address = account, address
        self.may_be_proved_to = address is None
        self._tag = uuid.uuid4().hex[:16]
        self._cseq = 0
        self._invitation: Invitation | None = None
        self._transaction: ClientTransaction | None = None
        self._cancel_fields: wire.Fields | None = None  # set once we want to give up
        self._cancel_sent = False
        self._rang = False
        self._patience: Timer | None = None
        self._early_tag = ""  # of the fork whose early media we hear
        self._challenges = 0
        self._timer = session_timer.proposing()
        self._tried = [uri.text]
        self._dialled: list[str] = []
        self._acks: dict[str, bytes] = {}  # by the far end's tag: forks answer too

    def send_invite(self, ip: str | None) -> None:
        """The address of the URI's host is known, or None: begin."""
        with self.sip.lock:
            if self.ended:
                return
            if ip is None:
                self._finish(UNREACHABLE, "unreachable")
                return
            self._patience = self.sip.timers.after(LONGEST_RINGING, self._rang_out)
            self._call((ip, self._address[1] if self._address else self._uri.port or 5060))

    def _call(self, destination: Address) -> None:
        self._peer = destination
        self._dialled.append(destination[0])
        self.sip.dialled[destination[0]] += 1
        self._challenges = 0
        self._send()

    def _send(self, proof: wire.Fields = ()) -> None:
        self._cseq += 1
        via = self.sip.via(self._peer)
        who, shown = self._presented(via)
        self._invitation = invitation = Invitation(
            self._uri.text, f"{who};tag={self._tag}", self._to, self.call_id, self._cseq, via
        )
        fields = (("Contact", self.contact(self._peer)), ALLOW, SUPPORTED, *self._timer, *shown, *proof)
        data = invitation.invite(fields, self.negotiation.offer())
        self._transaction = ClientTransaction(
            self.sip, "INVITE", invitation.branch, data, self._peer, self._on_answer, self._on_silence, invitation.ack
        )

    def _presented(self, via: Address) -> tuple[str, wire.Fields]:
        if self._account:
            return identity.of_account(self._account.user, self._account.host, self._account.port, self.caller_name), ()
        trusted = self.sip.peers.serves(self._peer[0])
        return identity.presented(self.caller_number, self.caller_name, via, trusted=trusted)

    def contact(self, destination: Address) -> str:
        return self.endpoint.contact(self._account.user if self._account else "", destination)

    def next_hop(self) -> Address:
        if self._address and not (self.dialog and self.dialog.routes):
            return self._peer
        return super().next_hop()

    # What comes back

    def _on_answer(self, response: Message) -> None:
        if response.code < 200:
            self._on_progress(response)
        elif response.code < 300:
            self._on_success(response)
        elif not self.ended and self._another_try(response):
            return
        else:
            self._finish(response.code, _cause(response.code))

    def _another_try(self, response: Message) -> bool:
        if response.code in (401, 407):
            return self._prove(response)
        if response.code in (301, 302):
            return self._follow(response)
        if response.code == 422 and (least := session_timer.least(response)) > session_timer.PROPOSED:
            wanted, self._timer = self._timer, session_timer.proposing(least)
            if self._timer != wanted:
                self._send()
                return True
        return False

    def _on_progress(self, response: Message) -> None:
        if self._cancel_fields is not None:
            self._send_cancel()
            return
        if response.code == 100 or self.ended:
            return
        early = self._early_media(response)
        if early or (response.code in (180, 183) and not self._rang):
            self._rang = True
            self.endpoint.report(self, Ringing(early))

    def _early_media(self, response: Message) -> bool:
        """Hear what the telephone sends before it is picked up, of several forks the first; whether that began."""
        if self._early_tag or not response.to.tag or not response.content:
            return False
        if not self.negotiation.take_answer(response):
            return False
        self._early_tag = response.to.tag
        return self.negotiation.direction in ("sendrecv", "sendonly")

    def _on_success(self, response: Message) -> None:
        """Acknowledge every 2xx; the first makes the call, another fork's is hung up (RFC 3261 13.2.2.4)."""
        if response.to.tag in self._acks:
            self.sip.send(*self._acknowledgement(response))
            return
        dialog = Dialog.from_answer(response, self._uri.text, self._cseq)
        taken = self.state == CallState.DIALING
        mine = self.dialog is None
        if mine:
            self.dialog = dialog
            self._peer = response.source
            self.sip.dialogs[dialog.key] = self
            if self.ended:
                self.sip.timers.after(TIMEOUT, self._forget_dialog)
        self._acks[response.to.tag] = dialog.request("ACK", self.sip.via(self._peer), new_branch(), cseq=self._cseq)
        self.sip.send(*self._acknowledgement(response))
        if not mine:
            self._hang_up_fork(dialog)
        elif not taken:  # it picked up while our CANCEL was on its way
            self.send_request("BYE", lambda ended: None)
        else:
            self._talk(response)

    def _talk(self, response: Message) -> None:
        self.state = CallState.ANSWERED
        self._peer_allows = {method.upper() for method in response.values("allow")}
        self.session.watch(session_timer.as_client(response))
        known = self._early_tag == response.to.tag and not response.content  # it said where it listens before
        if not known and not self.negotiation.take_answer(response):
            self.end(488, "failed")
            return
        self.endpoint.report(self, Answered())
        self.negotiation.settled()

    def _acknowledgement(self, response: Message) -> tuple[bytes, Address]:
        return self._acks[response.to.tag], self.next_hop()

    def _hang_up_fork(self, dialog: Dialog) -> None:
        branch, hop = new_branch(), self.next_hop()
        data = dialog.request("BYE", self.sip.via(hop), branch)
        ClientTransaction(self.sip, "BYE", branch, data, hop, lambda response: None, lambda code: None)

    def _on_silence(self, code: int) -> None:
        self._finish(code, "timeout" if code == TIMED_OUT else "unreachable")

    def _prove(self, response: Message) -> bool:
        """Answer a digest challenge; a second one only when the nonce had become stale."""
        if not self.may_be_proved_to:
            return False
        proof = self.endpoint.accounts.authorize(
            response, "INVITE", self._uri.text, self._peer, self.line, again=self._challenges > 0
        )
        self._challenges += 1
        if proof is None or self._challenges > 2:
            return False
        self._send((proof,))
        return True

    def _follow(self, response: Message) -> bool:
        """Go where the telephone is diverted to, if that is somewhere we may go (RFC 3261 8.1.3.4)."""
        uri = redirection.next_target(response, self._tried) if self._address is None else None
        if uri is None:
            return False
        self._tried.append(uri.text)
        self.endpoint.look_up(uri.host, lambda ip: self._found(uri, ip, response.code))
        return True

    def _found(self, uri: Uri, ip: str | None, code: int) -> None:
        with self.sip.lock:
            if self.ended:
                return
            destination = (ip or "", uri.port or 5060)
            if ip is None or not self.endpoint.may_divert(destination, self._dialled):
                self._finish(code, _cause(code))
                return
            self._uri = uri
            self._call(destination)

    # Giving up

    def cancel(self, *, elsewhere: bool = False) -> None:
        with self.sip.lock:
            if self.state != CallState.DIALING:
                return
            self._stop_calling((("Reason", 'SIP;cause=200;text="Call completed elsewhere"'),) if elsewhere else ())
            self._finish(487, "cancelled")

    def _stop_calling(self, fields: wire.Fields = ()) -> None:
        self._cancel_fields = fields
        if self._transaction and self._transaction.proceeding:
            self._send_cancel()

    def _give_up(self) -> None:
        self.cancel()

    def _rang_out(self) -> None:
        if self.state == CallState.DIALING:
            self._stop_calling()
            self._finish(TIMED_OUT, "timeout")

    def _send_cancel(self) -> None:
        """Only after a provisional response (RFC 3261 9.1); the transaction lives on for what still comes."""
        invite, invitation = self._transaction, self._invitation
        if self._cancel_sent or self._cancel_fields is None or not (invite and invitation) or invite.final:
            return
        self._cancel_sent = True
        data, branch = invitation.cancel(self._cancel_fields), invitation.branch
        ClientTransaction(self.sip, "CANCEL", branch, data, self._peer, lambda response: None, lambda code: None)
        self.sip.timers.after(TIMEOUT, invite.abandon)

    def _finish(self, code: int, cause: str, elsewhere: bool = False) -> None:
        if self._patience:
            self._patience.cancel()  # an ended leg must not live on in a timer
        if not self.ended and self._dialled:
            self.sip.timers.after(TIMEOUT, self._forget_dialled)
        super()._finish(code, cause, elsewhere)

    def _forget_dialled(self) -> None:
        for ip in self._dialled:
            self.sip.dialled[ip] -= 1
            if not self.sip.dialled[ip]:
                del self.sip.dialled[ip]


def _cause(code: int) -> str:
    """The word for a failure code, as `Ended` uses it."""
    if code in CAUSES:
        return CAUSES[code]
    return "rejected" if code < 400 or code in (403, 603, 607, 608) else "unreachable"
