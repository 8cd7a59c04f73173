"""Requests inside a dialog, with what belongs to each: a digest proof when asked, an ACK when due."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sipbridge.pyvoip import wire
from sipbridge.pyvoip.dialog import Dialog, new_branch
from sipbridge.pyvoip.message import Message
from sipbridge.pyvoip.timers import TIMEOUT
from sipbridge.pyvoip.transactions import TIMED_OUT, ClientTransaction

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

    A digest challenge is answered once, with `proof`. Every 2xx to a re-INVITE is acknowledged. One that only
    ever gets provisional answers is cancelled, and counts as unanswered when even that brings no end.
    """
    client, destination, branch = leg.sip, leg.next_hop(), new_branch()
    via = client.via(destination)
    contact = (("Contact", leg.contact(destination)),) if method != "BYE" else ()
    data = dialog.request(method, via, branch, (*contact, *fields, *proof), body)
    cseq = dialog.local_cseq
    over = waiting = False

    def ack(branch: str) -> bytes:
        return dialog.request("ACK", via, branch, cseq=cseq)

    def on_response(response: Message) -> None:
        nonlocal over, waiting
        if response.code < 200:
            if method == "INVITE" and not waiting:
                waiting = True
                client.timers.after(TIMEOUT, cancel)
            return
        if method == "INVITE" and response.code < 300:
            client.send(ack(new_branch()), destination)
        if over:
            return
        over = True
        if response.code in (401, 407) and not proof and leg.may_be_proved_to:
            uri = data.split(b" ", 2)[1].decode("utf-8", "surrogateescape")
            if found := leg.endpoint.accounts.authorize(response, method, uri, destination, leg.line):
                send(leg, dialog, method, on_final, fields, body, (found,))
                return
        on_final(response)

    def cancel() -> None:
        if not over:
            data = dialog.request("CANCEL", via, branch, cseq=cseq)
            ClientTransaction(client, "CANCEL", branch, data, destination, lambda response: None, lambda code: None)
            client.timers.after(TIMEOUT, give_up)

    def give_up() -> None:
        if not over:
            transaction.abandon()
            on_final(TIMED_OUT)

    transaction = ClientTransaction(
        client, method, branch, data, destination, on_response, on_final, lambda response: ack(branch)
    )
