"""An INVITE of ours that begins a call, with the ACK to its refusal and the CANCEL that belong to it."""

from __future__ import annotations

from dataclasses import dataclass, field

from sipbridge.pyvoip import wire
from sipbridge.pyvoip.dialog import new_branch
from sipbridge.pyvoip.message import Address, Message


@dataclass(frozen=True, slots=True)
class Invitation:
    """One try. `from_` and `to` are whole values, `via` is our address as the far end writes it."""

    uri: str
    from_: str
    to: str
    call_id: str
    cseq: int
    via: Address
    branch: str = field(default_factory=new_branch)

    def invite(self, fields: wire.Fields, body: bytes) -> bytes:
        return self._request("INVITE", self.to, fields, body)

    def ack(self, refusal: Message) -> bytes:
        """The ACK to a failure: same branch, same Route, the response's To (RFC 3261 17.1.1.3)."""
        return self._request("ACK", refusal.header("to"))

    def cancel(self, fields: wire.Fields) -> bytes:
        return self._request("CANCEL", self.to, fields)

    def _request(self, method: str, to: str, fields: wire.Fields = (), body: bytes = b"") -> bytes:
        return wire.request(
            method,
            self.uri,
            via=self.via,
            branch=self.branch,
            from_=self.from_,
            to=to,
            call_id=self.call_id,
            cseq=self.cseq,
            fields=fields,
            body=body,
        )
