"""The registrar (RFC 3261 10.3): softphones of the directory's users register straight at the bridge.

A telephone proves its user's secret from the address it will be rung at (see `proof`), so nobody can have the
bridge call a third party; and it proves it again whenever it dials. Path (RFC 3327) is not kept: a proxy in front
is the address that is rung.
Until the desk has named users the bridge is no registrar and refuses the method.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sipbridge.events import Directory
from sipbridge.pyvoip.bindings import Binding, BindingsFile, Kept, to_json
from sipbridge.pyvoip.contacts import MAX_EXPIRES, Asked, asked_by
from sipbridge.pyvoip.identity import bounded
from sipbridge.pyvoip.judge import Judge, Refusal
from sipbridge.pyvoip.message import Message
from sipbridge.pyvoip.proof import Proof
from sipbridge.pyvoip.timers import Timer
from sipbridge.pyvoip.uri import BadAddress, host_port

if TYPE_CHECKING:
    from sipbridge.pyvoip.client import Client
    from sipbridge.pyvoip.transactions import ServerTransaction

MIN_EXPIRES = 60  # seconds
MOST_PHONES = 10  # of one user
LONGEST_CALL_ID = 256
LONGEST_DEVICE = 80

SAVE_SOON = 0.2  # seconds: a telephone came or went
SAVE_LATER = 15.0  # one only said again that it is there


class Registrar:
    """The users' telephones. Works under the client's lock, on its timers; `now` is the wall clock."""

    def __init__(self, client: Client, now: Callable[[], datetime], file: BindingsFile | None) -> None:
        self._client, self._now, self._file = client, now, file
        self._clock = client.timers.clock
        self._directory: Directory | None = None
        self._judge = Judge(self._clock, client.counters)
        self._phones: dict[str, list[Kept]] = {}
        self._saving: Timer | None = None
        self._save_at = 0.0
        for kept in file.load(self._clock(), now(), MAX_EXPIRES) if file else ():
            self._phones.setdefault(kept.binding.user, []).append(kept)

    @property
    def is_open(self) -> bool:
        """Whether anybody may register at all."""
        return bool(self._directory and self._directory.users)

    def set_directory(self, directory: Directory) -> None:
        """Who may register from now on. Telephones of others, and those that proved an older secret, are gone."""
        before, self._directory = self._directory, directory
        for user in list(self._phones):
            secret = directory.users.get(user)
            if secret is None or (before and before.users.get(user) not in (None, secret)):
                del self._phones[user]
                self._save(SAVE_SOON)

    def phones_of(self, user: str) -> list[Binding]:
        """The live telephones of a user, the newest first."""
        if not self._directory or user not in self._directory.users:
            return []
        live = sorted(self._live(user), key=lambda kept: kept.binding.since, reverse=True)
        return [kept.binding for kept in live]

    def all_phones(self) -> list[Binding]:
        """Every live telephone, by user."""
        return [binding for user in sorted(self._phones) for binding in self.phones_of(user)]

    def close(self) -> None:
        """Bring the bindings to disk."""
        if self._file:
            self._write()
            self._file.close()

    # One REGISTER

    def on_register(self, transaction: ServerTransaction, remember: Callable[[], None]) -> None:
        """Answer a REGISTER. `remember` keeps the transaction, for what must not be judged twice."""
        request = transaction.request
        directory = self._directory
        if directory is None:
            raise ValueError("no directory yet")
        user = request.to.uri.number
        if request.to.uri.scheme not in ("sip", "sips"):
            self._client.respond_once(request, 400, "Bad Address Of Record")
            return
        proof = self._judge.proof_of(request, directory.realm, lambda user: self._refreshes(user, request))
        if not isinstance(proof, Proof):
            self._client.respond_once(request, *proof)
            return
        remember()
        transaction.respond(*(self._judge.refusal_of(proof, request, directory, user) or self._bind(user, request)))

    def _refreshes(self, user: str, request: Message) -> bool:
        """Whether this can only be a telephone of the user that refreshes its own binding."""
        return any(
            kept.binding.address == request.source and kept.call_id == request.call_id for kept in self._live(user)
        )

    # One INVITE

    def dialler(self, invite: Message) -> str:
        """The user whose telephone seems to dial here, '' for a caller: it comes whence he registered, in his name.

        Behind a proxy callers come from the same address: who has a number for a name is one of them.
        """
        user = invite.from_.uri.number
        if len(invite.vias) > 1 and user.removeprefix("+").isdigit():
            return ""
        return user if any(phone.address == invite.source for phone in self.phones_of(user)) else ""

    def doubt(self, user: str, invite: Message) -> Refusal | None:
        """How to answer an INVITE that `dialler` takes for this user's before it is believed; None: it is proved."""
        directory = self._directory
        if directory is None:
            raise ValueError("no directory yet")
        proof = self._judge.proof_of(invite, directory.realm, lambda user: False)
        return self._judge.refusal_of(proof, invite, directory, user) if isinstance(proof, Proof) else proof

    def _bind(self, user: str, request: Message) -> Refusal:
        """Do all that the Contacts ask or nothing (RFC 3261 10.3, steps 6 to 8)."""
        if len(request.call_id) > LONGEST_CALL_ID:
            return 400, "Call-ID Too Long", ()
        try:
            asked = asked_by(request)
        except BadAddress as error:
            return 400, f"Bad Contact: {error}", ()
        if any(0 < each.seconds < MIN_EXPIRES for each in asked or ()):
            return 423, "Interval Too Brief", (("Min-Expires", str(MIN_EXPIRES)),)
        phones = self._live(user)
        known = len(phones)
        if asked is None:
            gone = phones
        else:
            gone = [kept for kept in phones if any(self._is_replaced(kept, each, request) for each in asked)]
        if any(kept.call_id == request.call_id and kept.cseq >= request.cseq for kept in gone):
            return 500, "CSeq Out Of Order", ()
        fresh = [self._kept(user, each, request, gone) for each in asked or () if each.seconds]
        phones = [kept for kept in phones if kept not in gone] + fresh
        if len(fresh) > MOST_PHONES:
            return 400, "Bad Contact: too many", ()
        self._phones[user] = phones[-MOST_PHONES:]  # beyond it, those not heard of for longest
        if not self._phones[user]:
            del self._phones[user]
        if fresh or gone:
            refreshed = bool(gone) and len(phones) == known
            self._save(SAVE_LATER if refreshed else SAVE_SOON)
        return 200, "OK", tuple(("Contact", self._shown(kept)) for kept in self._live(user))

    def _is_replaced(self, kept: Kept, asked: Asked, request: Message) -> bool:
        """Whether this Contact speaks of the telephone that is bound there already.

        The same device or URI; or, with no proxy in between, the same socket, where an older registration can
        only be one that its telephone has forgotten.
        """
        if _is_same(kept, asked):
            return True
        direct = len(request.vias) == 1 and asked.seconds > 0
        return direct and kept.binding.address == request.source and kept.call_id != request.call_id

    def _kept(self, user: str, asked: Asked, request: Message, before: list[Kept]) -> Kept:
        now = self._now()
        begun = min((kept.binding.since for kept in before if _is_same(kept, asked)), default=now)
        device = bounded(request.header("user-agent"), LONGEST_DEVICE)
        expires_at = now + timedelta(seconds=asked.seconds)
        binding = Binding(user, asked.uri.text, request.source, device, begun, expires_at)
        return Kept(binding, self._clock() + asked.seconds, asked.instance, request.call_id, request.cseq)

    def _shown(self, kept: Kept) -> str:
        instance = f";+sip.instance={kept.instance}" if kept.instance else ""
        return f"<{kept.binding.uri}>{instance};expires={max(1, round(kept.ends - self._clock()))}"

    def _live(self, user: str) -> list[Kept]:
        return [kept for kept in self._phones.get(user, ()) if kept.ends > self._clock()]

    # To disk

    def _save(self, seconds: float) -> None:
        """Write within `seconds`; many changes cost one write."""
        if self._file is None:
            return
        at = self._clock() + seconds
        if self._saving:
            if self._save_at <= at:
                return
            self._saving.cancel()
        self._saving, self._save_at = self._client.timers.after(seconds, self._write), at

    def _write(self) -> None:
        self._saving = None
        for user in list(self._phones):
            self._phones[user] = self._live(user)
            if not self._phones[user]:
                del self._phones[user]
        if self._file:
            self._file.want([to_json(kept) for phones in self._phones.values() for kept in phones])


def to_status(bindings: Iterable[Binding]) -> list[dict[str, Any]]:
    """Bindings as the heartbeat tells them: user, device, address, since, expires_at."""
    return [
        {
            "user": each.user,
            "device": each.device,
            "address": host_port(*each.address),
            "since": each.since.isoformat(),
            "expires_at": each.expires_at.isoformat(),
        }
        for each in bindings
    ]


def _is_same(kept: Kept, asked: Asked) -> bool:
    """Whether both are one telephone, by its instance (RFC 5626 4.1) or its URI (RFC 3261 19.1.4, roughly)."""
    if kept.instance and kept.instance == asked.instance:
        return True
    old, new = kept.uri, asked.uri
    return (old.user, old.host.lower(), old.port or 5060) == (new.user, new.host.lower(), new.port or 5060)
