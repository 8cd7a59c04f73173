"""Registration of one account at a PBX or trunk (RFC 3261 10): it never gives up and never floods.

Whatever goes wrong (silence, refusal, nonsense), it tries again after a growing pause of at most `MAX_PAUSE`,
so a line is back within 35 s of its PBX. A registered line is refreshed at least as often: a PBX that was
restarted may have forgotten it, and says so to nobody. All accounts of one registrar share a budget of
six REGISTERs in ten seconds, repetitions included.
"""

from __future__ import annotations

import random
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from sipbridge.pyvoip import digest, identity, wire
from sipbridge.pyvoip.client import ALLOW, SUPPORTED, Client
from sipbridge.pyvoip.dialog import new_branch
from sipbridge.pyvoip.message import Message
from sipbridge.pyvoip.net import Resolver
from sipbridge.pyvoip.timers import Timer
from sipbridge.pyvoip.transactions import TIMED_OUT, ClientTransaction
from sipbridge.pyvoip.uri import BadAddress, host_port, parse_name_addr, parse_uri, user_part

ASK_FOR = 120  # seconds
REFRESH_WITHIN = 25.0
FIRST_PAUSE = 2.0
MAX_PAUSE = 24.0
PATIENCE = 8.0  # seconds one attempt waits for an answer
LONGEST_RETRY_AFTER = 60  # a line that is dead for an hour because of one answer costs more than a REGISTER a minute
LONGEST_EXPIRES = 7 * 86_400
MOST_ADDRESSES = 16
MAX_STEPS = 5  # challenges, redirections and longer intervals within one attempt


@dataclass(frozen=True)
class Account:
    """One line at a registrar. `line` is our name for it, `host` and `port` are the registrar's."""

    line: str
    user: str
    password: str = field(repr=False)
    host: str
    port: int


class Budget:
    """At most `limit` datagrams in any `window` seconds."""

    def __init__(self, clock: Callable[[], float], limit: int = 6, window: float = 10.5) -> None:
        self._clock, self._window = clock, window
        self._limit = limit
        self._spent: deque[float] = deque()

    def take(self) -> bool:
        """Whether one more may be sent now; counts it if so."""
        if self.wait() > 0:
            return False
        self._spent.append(self._clock())
        return True

    def wait(self) -> float:
        """Seconds until one more may be sent."""
        now = self._clock()
        while self._spent and self._spent[0] <= now - self._window:
            self._spent.popleft()
        return 0.0 if len(self._spent) < self._limit else self._spent[0] + self._window - now


class Registration:
    """Keeps one account registered. Works under the client's lock, on its timers."""

    def __init__(
        self,
        client: Client,
        account: Account,
        instance: str,
        resolver: Resolver,
        budget: Budget,
        report: Callable[[str, bool, str], None],
    ) -> None:
        self.account = account
        self.registered = False
        self.addresses: set[str] = set()  # where the registrar was found, as numbers
        self._client, self._instance, self._resolver, self._budget = client, instance, resolver, budget
        self._report = report
        self._told: tuple[bool, str] | None = None
        self._call_id = uuid.uuid4().hex
        self._tag = uuid.uuid4().hex[:16]
        self._cseq = 0
        self._expires = ASK_FOR
        self._challenge: tuple[str, digest.Challenge] | None = None
        self._pause = FIRST_PAUSE
        self._steps = 0
        self._target: tuple[str, int] = (account.host, account.port)
        self._address = ""
        self._timer: Timer | None = None
        self._transaction: ClientTransaction | None = None
        self._stopping = False

    def start(self) -> None:
        self._steps = 0
        self._look_up()

    def stop(self) -> None:
        """Take the binding back, if there is one; one exchange, nothing is waited for here."""
        self._stopping = True
        self._cancel_timer()
        if self._transaction and not self._transaction.final:
            self._transaction.abandon()
        if self.registered:
            self.registered = False
            self._steps = MAX_STEPS - 1
            self._send()

    # One attempt

    def _look_up(self) -> None:
        self._resolver.lookup(self._target[0], self._found)

    def _found(self, ip: str | None) -> None:
        with self._client.lock:
            if self._stopping:
                return
            if ip is None:
                self._failed("the registrar's name is unknown")
                return
            self._address = ip
            if len(self.addresses) >= MOST_ADDRESSES:  # a registrar that sends us to another place every time
                self.addresses.clear()
            self.addresses.add(ip)
            self._send()

    def _send(self) -> None:
        if (wait := self._budget.wait()) > 0 and not self._stopping:
            self._later(wait + 0.01, self._send)
            return
        destination = (self._address, self._target[1])
        via, branch = self._client.via(destination), new_branch()
        self._cseq += 1
        uri = f"sip:{identity.registrar(*self._target)}"
        aor = identity.of_account(self.account.user, self.account.host, self.account.port, "")
        self._contact = f"sip:{user_part(self.account.user)}@{host_port(*via)}"
        fields: wire.Fields = (
            ("Contact", f'<{self._contact}>;+sip.instance="<{self._instance}>"'),
            ("Expires", "0" if self._stopping else str(self._expires)),
            ALLOW,
            SUPPORTED,
        )
        if self._challenge:
            name, challenge = self._challenge
            proof = challenge.authorization(self.account.user, self.account.password, "REGISTER", uri)
            fields = (*fields, (name, proof))
        data = wire.request(
            "REGISTER",
            uri,
            via=via,
            branch=branch,
            from_=f"{aor};tag={self._tag}",
            to=aor,
            call_id=self._call_id,
            cseq=self._cseq,
            fields=fields,
        )
        self._transaction = transaction = ClientTransaction(
            self._client,
            "REGISTER",
            branch,
            data,
            destination,
            self._on_response,
            self._on_silence,
            gate=self._budget.take,
        )
        self._later(PATIENCE, lambda: transaction.fail(TIMED_OUT))

    def _on_response(self, response: Message) -> None:
        if response.code < 200:
            return
        self._cancel_timer()
        self._steps += 1
        if response.code < 300:
            if not self._stopping:
                self._succeeded(response)
        elif self._steps < MAX_STEPS + self._stopping and self._another_step(response):
            return
        elif not self._stopping:
            wait = response.number("retry-after", LONGEST_RETRY_AFTER)
            if response.code in (401, 407):
                self._challenge = None
            self._failed(f"{response.code} {_plain(response.phrase)}".strip(), wait)

    def _another_step(self, response: Message) -> bool:
        """What the registrar asks for first: a proof, a longer interval, another address."""
        if response.code in (401, 407):
            return self._prove(response)
        if response.code == 423:
            least = response.number("min-expires", LONGEST_EXPIRES)
            if least is None or least <= self._expires:
                return False
            self._expires = least
            self._send()
            return True
        if response.code in (301, 302, 305):
            return self._follow(response)
        return False

    def _prove(self, response: Message) -> bool:
        asked, header = (
            ("www-authenticate", "Authorization")
            if response.code == 401
            else ("proxy-authenticate", "Proxy-Authorization")
        )
        challenge = digest.best(response.fields.get(asked, ()))
        if challenge is None:
            return False
        before = self._challenge[1] if self._challenge else None
        fresh = before is None or before.uses > 1 or challenge.stale
        if not fresh and before and before.realm == challenge.realm:
            return False  # our proof for a nonce just given was refused: the password is wrong
        self._challenge = (header, challenge)
        self._send()
        return True

    def _follow(self, response: Message) -> bool:
        try:
            uri = parse_name_addr(response.values("contact")[0]).uri
        except (BadAddress, IndexError):
            return False
        if uri.scheme != "sip":
            return False
        self._target = (uri.host, uri.port or 5060)
        self._challenge = None
        self._look_up()
        return True

    # What comes of it

    def _succeeded(self, response: Message) -> None:
        granted = self._granted(response)
        if granted <= 0:
            self._failed("the registrar kept no binding")
            return
        self.registered = True
        self._pause, self._steps = FIRST_PAUSE, 0
        self._later(max(2.0, min(granted / 2, REFRESH_WITHIN)), self.start)
        self._tell(True, "registered")

    def _granted(self, response: Message) -> int:
        """Seconds our binding lives: by our Contact in the answer, else the Expires header, else as asked."""
        for value in response.values("contact"):
            try:
                contact = parse_name_addr(value)
            except BadAddress:
                continue
            mine = parse_uri(self._contact)
            same = (contact.uri.user, contact.uri.host, contact.uri.port) == (mine.user, mine.host, mine.port)
            seconds = contact.params.get("expires", "")
            if same and seconds.isdecimal():
                return min(int(seconds[:10]), LONGEST_EXPIRES)
        expires = response.number("expires", LONGEST_EXPIRES)
        return self._expires if expires is None else expires

    def _on_silence(self, code: int) -> None:
        self._cancel_timer()
        if not self._stopping:
            self._failed("no answer" if code == TIMED_OUT else "nobody listens there")

    def _failed(self, detail: str, retry_after: int | None = None) -> None:
        self.registered = False
        self._target = (self.account.host, self.account.port)
        self._tell(False, detail)
        pause = self._pause * random.uniform(0.8, 1.15)  # noqa: S311  # spreads retries, hides nothing
        self._pause = min(self._pause * 2, MAX_PAUSE)
        self._later(max(1.0, retry_after) if retry_after else pause, self.start)

    def _tell(self, registered: bool, detail: str) -> None:
        if self._told != (registered, detail):
            self._told = (registered, detail)
            self._report(self.account.line, registered, detail)

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        self._cancel_timer()
        self._timer = self._client.timers.after(seconds, action)

    def _cancel_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None


def _plain(phrase: str) -> str:
    return "".join(char for char in phrase if char.isprintable())[:80]
