"""Transactions and dispatch: what came is given to the transaction, the leg or the answer it calls for.

Requests are served only when they come from a configured peer or belong to a call that we placed.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import pyVoIP

from sipbridge.pyvoip import wire
from sipbridge.pyvoip.message import Address, Message, NotSip
from sipbridge.pyvoip.net import Peers
from sipbridge.pyvoip.transactions import UNREACHABLE, ClientTransaction, ServerTransaction
from sipbridge.pyvoip.transport import Transport

if TYPE_CHECKING:
    from sipbridge.pyvoip.dialog import Key
    from sipbridge.pyvoip.endpoint import Endpoint
    from sipbridge.pyvoip.leg import Leg

# The package drops every method that is not in this list of its own; it is its setting for what is served.
pyVoIP.SIPCompatibleMethods[:] = wire.ALLOW.split(", ")

SERVED = {*wire.ALLOW.split(", "), "NOTIFY", "PRACK"}  # the last two only to say that nothing matches them
KNOWN = SERVED | {"REGISTER", "SUBSCRIBE", "PUBLISH", "MESSAGE"}
EXTENSIONS = {"timer", "norefersub"}
ACCEPT = ("Accept", "application/sdp, multipart/mixed")
ALLOW = ("Allow", wire.ALLOW)
SUPPORTED = ("Supported", wire.SUPPORTED)
MAX_TRANSACTIONS = 20_000  # beyond it requests are answered without memory of them
MAX_REMEMBERED = 96 << 20  # bytes of answers; the same


class Client(Transport):
    """The signalling of one endpoint."""

    def __init__(self, endpoint: Endpoint, host: str, port: int, peers: Peers, clock: Callable[[], float]) -> None:
        super().__init__(endpoint, host, port, clock)
        self.endpoint = endpoint
        self.peers = peers
        self.dialogs: dict[Key, Leg] = {}
        self.dialled: Counter[str] = Counter()  # addresses of phones that we are calling
        self._servers: dict[tuple[str, ...], ServerTransaction] = {}
        self._invites: dict[tuple[str, str, int], ServerTransaction] = {}
        self._clients: dict[tuple[str, str], ClientTransaction] = {}
        self._remembered = 0  # bytes
        self._secret = os.urandom(16)
        self._answered = threading.Condition(self.lock)

    # What came

    def on_datagram(self, data: bytes, source: Address) -> None:
        self.counters["received"] += 1
        served = self.peers.serves(source[0])
        if not served and data[:4].upper() != b"SIP/" and not self.dialled[source[0]]:
            self.counters["refused_strangers"] += 1
            return
        if not data.strip(b"\r\n\0"):
            return  # keep-alive
        try:
            message = Message(data, source)
        except NotSip:
            self.counters["malformed"] += 1
            return
        if message.fault:
            self.counters["malformed"] += 1
        strange = message.is_request and not served
        if strange and (message.fault or not message.to.tag or message.method == "REGISTER"):
            self.counters["refused_strangers"] += 1
            return
        self.note(False, source, data)
        try:
            self.parse_message(message)
        except Exception:
            if message.is_request and message.method != "ACK":
                self._failed(message)
            raise

    def on_unreachable(self, head: str) -> None:
        """End the transaction whose request this is the beginning of."""
        for transaction in list(self._clients.values()):
            if transaction.branch in head and head.startswith(transaction.method + " "):
                self.guarded(partial(transaction.fail, UNREACHABLE))

    def parse_message(self, message: Message) -> None:  # type: ignore[override]
        """Give a message to the transaction, leg or answer it calls for."""
        if not message.is_request:
            self._on_response(message)
        elif message.method == "ACK":
            if not message.fault:
                self._on_ack(message)
        elif message.fault:
            self.respond_once(message, *message.fault)
        else:
            self._on_request(message)

    def _on_response(self, response: Message) -> None:
        transaction = self._clients.get((response.vias[0].branch, response.cseq_method))
        if transaction is None or len(response.vias) != 1 or not transaction.answers(response):
            self.counters["stray_responses"] += 1
            return
        transaction.on_response(response)
        self._answered.notify_all()

    def _on_ack(self, ack: Message) -> None:
        transaction = self._servers.get(("INVITE", *ack.transaction_key))
        if transaction and transaction.final >= 300:
            transaction.on_ack()
        elif leg := self.leg_of(ack):
            leg.on_ack(ack)

    def _on_request(self, request: Message) -> None:
        if known := self._servers.get((request.method, *request.transaction_key)):
            self.counters["retransmissions"] += 1
            known.resend()
            return
        if len(self._servers) >= MAX_TRANSACTIONS or self._remembered >= MAX_REMEMBERED:
            self.respond_once(request, 503, "Service Unavailable", (("Retry-After", "10"),))
            return
        transaction = ServerTransaction(self, request)
        if refusal := self._refusal(request):
            self._remember(transaction)
            transaction.respond(*refusal)
        elif request.method == "CANCEL":
            self._remember(transaction)
            self._cancel(transaction)
        elif request.method == "REGISTER":
            self.endpoint.registrar.on_register(transaction, partial(self._remember, transaction))
        elif request.to.tag:
            self._remember(transaction)
            if leg := self.leg_of(request):
                leg.on_request(transaction)
            else:
                transaction.respond(481, "Call Does Not Exist")
        elif request.method == "INVITE":
            self._invite(transaction)
        elif request.method == "OPTIONS":
            self._remember(transaction)
            transaction.respond(200, "OK", (ACCEPT, ALLOW, SUPPORTED))
        elif request.method == "REFER":
            self._remember(transaction)
            transaction.respond(403, "Only A Call In Progress Can Be Transferred")
        else:  # BYE, UPDATE, INFO, NOTIFY and PRACK mean something inside a call only
            self._remember(transaction)
            transaction.respond(481, "Call Does Not Exist")

    def _refusal(self, request: Message) -> tuple[int, str, wire.Fields] | None:
        """The inspections every request passes, in the order of RFC 3261 8.2."""
        registers = request.method == "REGISTER" and self.endpoint.registrar.is_open
        if request.method not in SERVED and not registers:
            known = request.method in KNOWN
            return (405, "Method Not Allowed", (ALLOW,)) if known else (501, "Not Implemented", (ALLOW,))
        if request.request_uri.scheme not in ("sip", "tel"):
            return 416, "Unsupported URI Scheme", ()
        if request.method == "CANCEL":
            return None
        if missing := request.options("require") - EXTENSIONS:
            return 420, "Bad Extension", (("Unsupported", ", ".join(sorted(missing))),)
        if request.method != "INVITE":
            return None
        if not request.to.tag and request.number("max-forwards", 255) == 0:
            return 483, "Too Many Hops", ()  # two bridges ringing each other would never end (RFC 7332)
        return None

    def _cancel(self, transaction: ServerTransaction) -> None:
        cancel = transaction.request
        invite = self._servers.get(("INVITE", *cancel.transaction_key))
        if invite is None:
            transaction.respond(481, "Call Does Not Exist")
            return
        transaction.to_tag = invite.to_tag
        transaction.respond(200, "OK")
        leg = self.dialogs.get((cancel.call_id, invite.to_tag, cancel.from_.tag))
        if leg and not invite.final:
            leg.on_cancel(cancel)

    def _invite(self, transaction: ServerTransaction) -> None:
        invite = transaction.request
        self.counters["invites"] += 1
        if transaction.identity in self._invites:
            self._remember(transaction)
            transaction.respond(482, "Merged Request")  # the same call by a second way (RFC 3261 8.2.2.2)
        elif self.endpoint.is_full:
            self.counters["over_the_cap"] += 1
            self.respond_once(invite, 503, "Service Unavailable", (("Retry-After", "5"),))
        else:
            self._remember(transaction)
            self._invites[transaction.identity] = transaction
            self.endpoint.on_invite(transaction)

    def leg_of(self, request: Message) -> Leg | None:
        """The leg whose dialog this request belongs to, all three identifiers matching."""
        return self.dialogs.get((request.call_id, request.to.tag, request.from_.tag))

    # Transactions

    def tag_for(self, request: Message) -> str:
        """A To tag for our answers to this request: the same at each retransmission, not to be guessed."""
        identity = "\0".join((request.method if request.method != "CANCEL" else "INVITE", *request.transaction_key))
        data = identity.encode("utf-8", "surrogateescape")
        return hashlib.blake2s(data, key=self._secret, digest_size=9).hexdigest()

    def respond_once(self, request: Message, code: int, phrase: str, fields: wire.Fields = ()) -> None:
        """Answer without keeping a transaction: malformed requests, and floods."""
        tag = self.tag_for(request) if not request.fault else os.urandom(9).hex()
        self.send(wire.response(request, code, phrase, tag, fields), wire.return_address(request))

    def _remember(self, transaction: ServerTransaction) -> None:
        self._servers[transaction.key] = transaction

    def _failed(self, request: Message) -> None:
        """A defect of ours: what is remembered of the request must come to its end all the same."""
        known = None if request.fault else self._servers.get((request.method, *request.transaction_key))
        if known is not None and not known.final:
            known.respond(500, "Server Internal Error")
        else:
            self.respond_once(request, 500, "Server Internal Error")

    def answered(self, transaction: ServerTransaction) -> None:
        """The final answer went out; from now on it is remembered for copies of the request."""
        if transaction.key in self._servers:
            self._remembered += transaction.size

    def forget_server(self, transaction: ServerTransaction) -> None:
        if self._servers.get(transaction.key) is transaction:
            del self._servers[transaction.key]
            self._remembered -= transaction.size
        if self._invites.get(transaction.identity) is transaction:
            del self._invites[transaction.identity]

    def add_client(self, transaction: ClientTransaction) -> None:
        self._clients[(transaction.branch, transaction.method)] = transaction

    def forget_client(self, transaction: ClientTransaction) -> None:
        self._clients.pop((transaction.branch, transaction.method), None)
        self._answered.notify_all()

    def wait_until_answered(self, seconds: float) -> None:
        """Wait until every request of ours has a final answer, or the time is up."""
        with self._answered:
            self._answered.wait_for(lambda: all(t.final for t in self._clients.values()), seconds)

    # pyVoIP's registration belongs to one account and gives up; `registration.Registration` does it here

    def register(self) -> bool:
        return self.endpoint.accounts.all_registered

    def deregister(self) -> bool:
        return True
