"""Dialogs (RFC 3261 12): tags, route sets, sequence numbers, and requests inside them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from sipbridge.pyvoip import wire
from sipbridge.pyvoip.message import BRANCH_COOKIE, Message
from sipbridge.pyvoip.uri import BadAddress, parse_name_addr, parse_uri

Key = tuple[str, str, str]


def new_branch() -> str:
    return BRANCH_COOKIE + secrets.token_hex(12)


@dataclass(slots=True)
class Dialog:
    """One dialog. `local` and `remote` are whole From/To values, tags included."""

    call_id: str
    local: str
    local_tag: str
    remote: str
    remote_tag: str
    target: str
    routes: tuple[str, ...]
    local_cseq: int
    remote_cseq: int | None = None

    @property
    def key(self) -> Key:
        return (self.call_id, self.local_tag, self.remote_tag)

    @classmethod
    def from_invite(cls, invite: Message, local_tag: str) -> Dialog:
        """The dialog made by answering `invite` (RFC 3261 12.1.1)."""
        contact = invite.contact
        return cls(
            call_id=invite.call_id,
            local=f"{invite.header('to')};tag={local_tag}",
            local_tag=local_tag,
            remote=invite.header("from"),
            remote_tag=invite.from_.tag,
            target=contact.uri.text if contact else invite.from_.uri.text,
            routes=tuple(invite.values("record-route")),
            local_cseq=secrets.randbelow(1000),
            remote_cseq=invite.cseq,
        )

    @classmethod
    def from_answer(cls, response: Message, target: str, cseq: int) -> Dialog:
        """The dialog made by a 2xx to our INVITE (RFC 3261 12.1.2). `target` serves when it has no Contact."""
        contact = response.contact
        return cls(
            call_id=response.call_id,
            local=response.header("from"),
            local_tag=response.from_.tag,
            remote=response.header("to"),
            remote_tag=response.to.tag,
            target=contact.uri.text if contact else target,
            routes=tuple(reversed(response.values("record-route"))),
            local_cseq=cseq,
        )

    def refresh_target(self, message: Message) -> None:
        """Take the Contact of a re-INVITE, an UPDATE, or the 2xx to one (RFC 3261 12.2)."""
        if contact := message.contact:
            self.target = contact.uri.text

    def in_order(self, request: Message) -> bool:
        """Whether the request is newer than those before it; takes note of it (RFC 3261 12.2.2)."""
        if self.remote_cseq is not None and request.cseq <= self.remote_cseq:
            return False
        self.remote_cseq = request.cseq
        return True

    def request(
        self,
        method: str,
        via: tuple[str, int],
        branch: str,
        fields: wire.Fields = (),
        body: bytes = b"",
        cseq: int | None = None,
    ) -> bytes:
        """A request inside the dialog; takes the next sequence number unless `cseq` (for ACK) is given."""
        if cseq is None:
            self.local_cseq += 1
            cseq = self.local_cseq
        uri, routes = self._uri_and_routes()
        return wire.request(
            method,
            uri,
            via=via,
            branch=branch,
            from_=self.local,
            to=self.remote,
            call_id=self.call_id,
            cseq=cseq,
            routes=routes,
            fields=fields,
            body=body,
        )

    def next_hop(self) -> tuple[str, int] | None:
        """Host and port the next request goes to by the route set or target; None when they can't be read."""
        try:
            first = parse_name_addr(self.routes[0]).uri if self.routes else parse_uri(self.target)
        except BadAddress:
            return None
        return (first.host, first.port or 5060) if first.host else None

    def _uri_and_routes(self) -> tuple[str, tuple[str, ...]]:
        if not self.routes:
            return self.target, ()
        try:
            first = parse_name_addr(self.routes[0]).uri
        except BadAddress:
            return self.target, ()
        if first.is_loose_router:
            return self.target, self.routes
        return first.text, (*self.routes[1:], f"<{self.target}>")  # a strict router, as in RFC 2543
