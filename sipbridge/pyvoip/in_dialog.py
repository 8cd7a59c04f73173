"""Requests inside a dialog, with what belongs to each: a digest proof when asked, an ACK when due."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sipbridge.pyvoip import wire
from sipbridge.pyvoip.dialog import Dialog, new_branch
from sipbridge.pyvoip.message import Message
from sipbridge.pyvoip.transactions import ClientTransaction

if TYPE_CHECKING:
    from sipbridge.pyvoip.leg import Leg

OnFinal = Callable[[Message | int], None]


def send(
    leg: Leg,
    dialog: Dialog,
    method: str,
    on_final: OnFinal,
    fields: wire.Fields = (),
    body: bytes = b"",
    proof: wire.Fields = (),
) -> None:
    """Send a request; `on_final` gets the final response, once, or a code when none came.

    A digest challenge is answered once, with `proof`. Every 2xx to a re-INVITE is acknowledged.
    """
    client, destination, branch = leg.sip, leg.next_hop(), new_branch()
    via = client.via(destination)
    contact = (("Contact", leg.contact(destination)),) if method != "BYE" else ()
    data = dialog.request(method, via, branch, (*contact, *fields, *proof), body)
    cseq = dialog.local_cseq
    over = False

    def ack(branch: str) -> bytes:
        return dialog.request("ACK", via, branch, cseq=cseq)

    def on_response(response: Message) -> None:
        nonlocal over
        if response.code < 200:
            return
        if method == "INVITE" and response.code < 300:
            client.send(ack(new_branch()), destination)
        if over:
            return
        over = True
        if response.code in (401, 407) and not proof:
            uri = data.split(b" ", 2)[1].decode("utf-8", "surrogateescape")
            if found := leg.endpoint.authorize(response, method, uri, destination, leg.line):
                send(leg, dialog, method, on_final, fields, body, (found,))
                return
        on_final(response)

    ClientTransaction(client, method, branch, data, destination, on_response, on_final, lambda response: ack(branch))
