"""A telephone that asks us to transfer its call: REFER and the NOTIFYs that answer it (RFC 3515, RFC 4488)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from pyVoIP.VoIP import CallState

from sipbridge.pyvoip import wire
from sipbridge.pyvoip.leg_events import TransferAsked
from sipbridge.pyvoip.leg_part import LegPart
from sipbridge.pyvoip.message import Message
from sipbridge.pyvoip.timers import Timer
from sipbridge.pyvoip.transactions import ServerTransaction
from sipbridge.pyvoip.uri import BadAddress, parse_name_addr, parse_params, readable

if TYPE_CHECKING:
    from sipbridge.pyvoip.dialog import Key
    from sipbridge.pyvoip.leg import Leg

LONGEST = 180  # seconds a telephone is told about one transfer
MAX_TARGET = 256


class Referral(LegPart):
    """The transfer one telephone asks for; one at a time. Works under the client's lock."""

    def __init__(self, leg: Leg) -> None:
        super().__init__(leg)
        self._event = ""  # what our NOTIFYs are about; "" while no transfer is under way
        self._silent = False  # the telephone does not want to be told
        self._over: Timer | None = None
        self._asked_before = False

    def on_refer(self, transaction: ServerTransaction) -> None:
        leg, request = self._leg, transaction.request
        if leg.state != CallState.ANSWERED:
            transaction.respond(403, "Only A Call In Progress Can Be Transferred")
            return
        if self._event:
            transaction.respond(491, "Request Pending")
            return
        try:
            target, replaced = refer_to(request)
        except BadAddress:
            transaction.respond(400, "Bad Refer-To Header")
            return
        other = leg.sip.dialogs.get(replaced) if replaced else None
        if replaced and (other is None or other is leg or other.ended):
            transaction.respond(481, "Call To Replace Does Not Exist")
            return
        self._silent = request.header("refer-sub").split(";")[0].strip().lower() == "false"
        contact: wire.Fields = (("Contact", leg.contact(request.source)),)
        transaction.respond(202, "Accepted", contact + ((("Refer-Sub", "false"),) if self._silent else ()))
        self._event = f"refer;id={request.cseq}" if self._asked_before else "refer"
        self._asked_before = True
        self._over = leg.sip.timers.after(LONGEST, self._too_long)
        self._notify(100, "Trying")
        leg.endpoint.report(leg, TransferAsked(target, other.id if other else None))

    def progress(self, code: int, phrase: str) -> None:
        """Tell how the transfer stands; a final code is the last word. Without a transfer nothing happens."""
        if not self._event:
            return
        self._notify(code, phrase)
        if code >= 200:
            self._close()

    def _notify(self, code: int, phrase: str) -> None:
        if self._silent:
            return
        event = self._event
        fields = (
            ("Event", event),
            ("Subscription-State", f"active;expires={LONGEST}" if code < 200 else "terminated;reason=noresource"),
            ("Content-Type", "message/sipfrag;version=2.0"),
        )

        def told(response: Message | int) -> None:
            answer = response if isinstance(response, int) else response.code
            if answer in (408, 481, 489) and self._event == event:
                self._silent = True  # it has forgotten what it asked

        fragment = f"SIP/2.0 {code} {readable(phrase)[:80]}\r\n".encode("utf-8", "replace")
        self._leg.send_request("NOTIFY", told, fields, fragment)

    def _too_long(self) -> None:
        leg = self._leg_or_none()
        if leg is None or leg.ended:
            self._close()
        else:
            self.progress(504, "Gateway Time-out")

    def _close(self) -> None:
        self._event = ""
        if self._over:
            self._over.cancel()
            self._over = None


def refer_to(request: Message) -> tuple[str, Key | None]:
    """Where a REFER points: the URI without its headers, and the dialog to replace. Raises BadAddress."""
    if len(values := request.fields.get("refer-to", [])) != 1:
        raise BadAddress("Refer-To")
    uri = parse_name_addr(values[0]).uri
    target = uri.text.partition("?")[0]
    if uri.scheme not in ("sip", "tel") or len(target) > MAX_TARGET or not _harmless(uri.text):
        raise BadAddress("Refer-To URI")
    params = parse_params(uri.params)
    if params.get("method", "INVITE").upper() != "INVITE" or (uri.scheme == "sip" and not uri.user):
        raise BadAddress("only calls to someone can be referred")
    replaced: Key | None = None
    for piece in filter(None, uri.headers.split("&")):
        name, _, value = piece.partition("=")
        if name.lower() == "replaces":
            if replaced:
                raise BadAddress("Replaces")
            replaced = _dialog_key(unquote(value))
    return target, replaced


def _dialog_key(replaces: str) -> Key:
    """The dialog a Replaces value names, as we who shall be replaced know it (RFC 3891 3)."""
    call_id, _, rest = replaces.partition(";")
    params = parse_params(rest)
    key = (call_id.strip(), params.get("to-tag", ""), params.get("from-tag", ""))
    if not all(key):
        raise BadAddress("Replaces")
    return key


def _harmless(text: str) -> bool:
    """Printable ASCII, also behind its percent signs."""
    return text.isascii() and text.isprintable() and unquote(text).isprintable()
