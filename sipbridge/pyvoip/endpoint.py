"""The endpoint: lines, legs and their limits (pyVoIP's VoIPPhone, made fit for an office)."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

from pyVoIP.VoIP import PhoneStatus, VoIPPhone

from sipbridge.events import Directory
from sipbridge.media.hub import Hub
from sipbridge.pyvoip import identity, sdp, session_timer, wire
from sipbridge.pyvoip.accounts import Accounts
from sipbridge.pyvoip.bindings import Binding, BindingsFile
from sipbridge.pyvoip.client import ACCEPT, Client
from sipbridge.pyvoip.inbound import InboundLeg
from sipbridge.pyvoip.leg import Leg
from sipbridge.pyvoip.leg_events import LegEvent
from sipbridge.pyvoip.message import Address, Message
from sipbridge.pyvoip.negotiation import body_of, sections_of, warning
from sipbridge.pyvoip.net import Peers, Resolver, is_numeric
from sipbridge.pyvoip.outbound import OutboundLeg
from sipbridge.pyvoip.ports import NoPort, Ports
from sipbridge.pyvoip.registrar import Registrar, to_status
from sipbridge.pyvoip.registration import Account
from sipbridge.pyvoip.rtp import MediaClient
from sipbridge.pyvoip.transactions import ServerTransaction
from sipbridge.pyvoip.uri import dialable, host_port, user_part

log = logging.getLogger(__name__)

WITHOUT_OFFER = "PCMU"  # what we offer to an INVITE without an offer; every telephone knows it
PORTS_TO_TRY = 16


class Endpoint(VoIPPhone):
    """Listens on one UDP address, registers its accounts, takes and places calls.

    `rtp_ports` are local ports, the even ones used. Requests are served from `peers` only. At most
    `max_calls` inbound calls live at a time, more get 503. `instance_id` is this installation's UUID.
    The callbacks are made on the SIP thread (for what one of our own methods ends: within that method) and
    must return at once: `on_call` for each new inbound leg, `on_leg` for what befalls a leg, `on_line` with
    (line, registered, detail) when a registration changes. After `start`, `port` is the real one.

    `on_dialled` gets the inbound leg of a registered telephone that has proved whose it is, its user and what it
    dialled; nothing but 100 was sent then. Without `on_dialled` such a call is a caller's. `codec_of` tells in
    which codec a user speaks already, '' for none: his second call takes the same where it can.

    `bindings` is the file that carries the telephones registered here over a restart. `on_message`, called for
    every datagram that is sent (True) or served (False), gets its far end and its bytes.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        rtp_ports: range,
        peers: tuple[IPv4Network | IPv6Network, ...],
        accounts: tuple[Account, ...],
        max_calls: int,
        instance_id: str,
        hub: Hub,
        on_call: Callable[[Leg], None],
        on_leg: Callable[[Leg, LegEvent], None],
        on_line: Callable[[str, bool, str], None],
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        on_dialled: Callable[[Leg, str, str], None] | None = None,
        codec_of: Callable[[str], str] = lambda user: "",
        bindings: Path | None = None,
        on_message: Callable[[bool, Address, bytes], None] | None = None,
    ) -> None:
        super().__init__(host, port, "", "", host, None, port, rtp_ports.start, max(rtp_ports.stop, rtp_ports.start))
        self.sip: Client = Client(self, host, port, Peers(peers), clock)
        self.counters: dict[str, int] = self.sip.counters
        self.port: int = port
        self.legs: dict[str, Leg] = {}
        self._hub, self._ports, self._max_calls = hub, Ports(rtp_ports), max_calls
        self._inbound = 0
        self._stopping = False
        self.sip.on_message = on_message
        self.registrar = Registrar(self.sip, now, BindingsFile(bindings) if bindings else None)
        self._on_call, self._on_leg, self._on_dialled, self._codec_of = on_call, on_leg, on_dialled, codec_of
        self._instance = instance_id if instance_id.startswith("urn:") else f"urn:uuid:{instance_id}"
        self._resolver = Resolver(ipv6=self.sip.local.ipv6)
        self.accounts = Accounts(self.sip, accounts, self._instance, self._resolver, clock, on_line)

    def start(self) -> None:
        """Bind and begin to register. Raises OSError when the port is busy."""
        self.sip.start()
        self.port = self.sip.myPort
        with self.sip.lock:
            self.accounts.start()

    def stop(self, failed: bool = False) -> None:
        """Hang up every leg, take the registrations back, close. Takes less than two seconds."""
        if not self.sip.NSD:
            return
        with self.sip.lock:
            self._stopping = True
            for leg in list(self.legs.values()):
                leg.hangup()
            self.accounts.stop()
        self.sip.wait_until_answered(1.2)
        self.sip.stop()
        self.registrar.close()

    def dial(
        self,
        uri: str,
        *,
        caller_number: str,
        caller_name: str,
        codec: str,
        via_line: str = "",
        address: tuple[str, int] | None = None,
    ) -> Leg:
        """Start a call to a SIP URI, offering only `codec` ("PCMU" or "PCMA") and telephone events.

        The telephone is shown `caller_number` and `caller_name`; '' for a hidden number. With `via_line` the call
        goes out through that line's account: to the user or number of `uri` (sip or tel) at the account's
        registrar, in the account's own name; `caller_number` is not shown then. With `address` (numeric IP, port) the
        INVITE goes there whatever the URI's host is. What can't be done is reported as the leg's `Ended`.

        Raises ValueError for what is not such a URI, an address or a known codec, its subclass NoLine for an
        unknown `via_line`, NoPort when every RTP port is in use, OSError when the endpoint was stopped.
        """
        if codec not in sdp.CODECS:
            raise ValueError(f"unknown codec {codec!r}")
        account = self.accounts.of_line(via_line) if via_line else None
        target = identity.at_account(uri, account.host, account.port) if account else dialable(uri)
        if address and not (is_numeric(address[0]) and 0 < address[1] < 65536):
            raise ValueError(f"{address!r} is no address that can be called")
        host = address[0] if address else target.host

        with self.sip.lock:
            if self._stopping:
                raise OSError("the endpoint was stopped")
            client = self._open_media(self.sip.local.facing(host), codec, sdp.DEFAULT_EVENT)
            try:
                leg = OutboundLeg(self, target, client, caller_number, caller_name, account, address)
            except BaseException:
                self._close_media(client)
                raise
            self.legs[leg.id] = leg

        def found(ip: str | None) -> None:
            if account and ip and not address:
                with self.sip.lock:
                    self.accounts.found(via_line, ip)
            leg.send_invite(ip)

        self.look_up(host, found)
        return leg

    # Telephones registered here

    def set_directory(self, directory: Directory) -> None:
        """Whose softphones may register from now on; those of others are forgotten."""
        with self.sip.lock:
            self.registrar.set_directory(directory)

    def phones_of(self, user: str) -> list[Binding]:
        """The registered telephones of a user, the newest first."""
        with self.sip.lock:
            return self.registrar.phones_of(user)

    def registered_phones(self) -> list[dict[str, Any]]:
        """Every registered telephone as the heartbeat tells it: user, device, address, since, expires_at."""
        with self.sip.lock:
            return to_status(self.registrar.all_phones())

    # What legs and the client ask

    def look_up(self, host: str, found: Callable[[str | None], None]) -> None:
        """Find the address of a host; `found` gets it or None, perhaps on another thread."""
        self._resolver.lookup(host, found)

    def may_divert(self, address: Address, dialled: list[str]) -> bool:
        """Whether a call to `dialled` may be diverted there: to the same host or to peers, never to ourselves.

        To a PBX or trunk of ours only where one was called: it would do what a telephone told it at our cost.
        """
        if self.accounts.at(address[0]):
            known = any(self.accounts.at(ip) for ip in dialled)
        else:
            known = address[0] in dialled or self.sip.peers.serves(address[0])
        return known and address != self.sip.via(address)

    @property
    def is_full(self) -> bool:
        return self._stopping or self._inbound >= self._max_calls

    def get_status(self) -> PhoneStatus:
        """pyVoIP's word for where the registrations stand."""
        if not self.sip.NSD:
            return PhoneStatus.INACTIVE
        return PhoneStatus.REGISTERED if self.accounts.all_registered else PhoneStatus.REGISTERING

    def on_invite(self, transaction: ServerTransaction) -> None:
        """A new call: refuse what can't be a call, else make its leg and tell the bridge."""
        invite = transaction.request
        user = self.registrar.dialler(invite) if self._on_dialled else ""
        if refusal := _unacceptable(invite) or (self.registrar.doubt(user, invite) if user else None):
            transaction.respond(*refusal)
            return
        try:
            offer = self._offer_of(invite, self._codec_of(user) if user else "")
        except sdp.Unacceptable as unacceptable:
            transaction.respond(488, "Not Acceptable Here", (warning(unacceptable),))
            return
        codec, event = (offer[1].codec, offer[1].event) if offer else (WITHOUT_OFFER, sdp.DEFAULT_EVENT)
        try:
            client = self._open_media(self.sip.local.facing(invite.source[0]), codec, event)
        except NoPort:
            self.counters["no_rtp_port"] += 1
            transaction.respond(503, "No Media Port", (("Retry-After", "5"),))
            return
        try:
            leg = InboundLeg(self, transaction, client, offer)
        except BaseException:
            self._close_media(client)
            raise
        self.legs[leg.id] = leg
        self._inbound += 1
        try:
            if user and self._on_dialled:
                self._on_dialled(leg, user, identity.bounded(invite.request_uri.number, identity.MAX_NUMBER))
            else:
                self._on_call(leg)  # the bridge notes the call before the leg sends anything
            transaction.trying()
        except Exception:
            self.counters["errors"] += 1
            log.exception("a new call could not be told")
            leg.reject(500, "Server Internal Error")

    def _offer_of(self, invite: Message, codec: str) -> tuple[list[sdp.Section], sdp.Audio] | None:
        """The offer and the stream we choose of it, in `codec` if it may be; None when offering is left to us."""
        if (sections := sections_of(invite)) is None:
            return None
        if codec:
            with contextlib.suppress(sdp.Unacceptable):
                return sections, sdp.choose(sections, codec, ipv6=self.sip.local.ipv6)
        return sections, sdp.choose(sections, None, ipv6=self.sip.local.ipv6)

    def _open_media(self, ip: str, codec: str, event: int | None) -> MediaClient:
        """A stream on a free port. Ports that someone else holds are passed over. Raises NoPort."""
        for _ in range(PORTS_TO_TRY):
            port = self._ports.take()
            try:
                return MediaClient(self._hub, ip, port, codec, event)
            except OSError:
                self._ports.give_back(port)
        raise NoPort

    def _close_media(self, client: MediaClient) -> None:
        """Give back the port of a leg that could not be made."""
        client.stop()
        self._ports.give_back(client.stream.local_port)

    def forget(self, leg: Leg) -> None:
        """The leg ended: its port and its place are free."""
        if self.legs.pop(leg.id, None):
            self._ports.give_back(leg.media.local_port)
            self._inbound -= leg.inbound

    def report(self, leg: Leg, event: LegEvent) -> None:
        try:
            self._on_leg(leg, event)
        except Exception:
            self.counters["errors"] += 1
            log.exception("on_leg failed")

    # Names

    def contact(self, line: str, destination: Address) -> str:
        """Our Contact value: how `destination` reaches this line again."""
        user = user_part(line) or "desk"
        return f'<sip:{user}@{host_port(*self.sip.via(destination))}>;+sip.instance="<{self._instance}>"'

    def line_of(self, invite: Message) -> str:
        """The line called: an account's, when the Request-URI names its user, else that user part itself."""
        user = invite.request_uri.number or invite.to.uri.number
        return self.accounts.line_called(user) or identity.bounded(user, identity.MAX_NUMBER).lower()


def _unacceptable(invite: Message) -> tuple[int, str, wire.Fields] | None:
    """Why a new INVITE is refused before its offer is read."""
    accept = {value.split(";")[0].strip().lower() for value in invite.values("accept")}
    if accept and not accept & {"application/sdp", "application/*", "*/*"}:
        return 406, "Not Acceptable", ()
    if invite.header("content-encoding").strip().lower() not in ("", "identity"):
        return 415, "Unsupported Media Type", (("Accept-Encoding", "identity"), ACCEPT)
    if invite.content and body_of(invite) is None:
        return 415, "Unsupported Media Type", (ACCEPT,)
    if session_timer.too_short(invite):
        return 422, "Session Interval Too Small", session_timer.MIN_SE
    return None
