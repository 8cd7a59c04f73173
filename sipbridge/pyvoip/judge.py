"""Whether a request comes from the user it names: challenges, proofs, and an end to guessing.

A REGISTER and the INVITE of a telephone that dials are judged alike, and what went wrong with the one counts for
the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from sipbridge.events import Directory
from sipbridge.pyvoip import wire
from sipbridge.pyvoip.message import Message
from sipbridge.pyvoip.proof import Offers, Proof, Prover, Verdict, proof_in
from sipbridge.pyvoip.throttle import Throttle

WRONG_PROOFS = 10  # in WINDOW seconds, then nothing is checked any more
REQUESTS = 100  # of one user in WINDOW seconds
WINDOW = 60.0

Refusal = tuple[int, str, wire.Fields]

_TOO_MANY: Refusal = (403, "Too Many Attempts", (("Retry-After", str(int(WINDOW))),))


class Judge:
    """Works under the client's lock; counts what it refuses in `counters`."""

    def __init__(self, clock: Callable[[], float], counters: Counter[str]) -> None:
        self._counters = counters
        self._prover, self._offers = Prover(clock), Offers()
        self._wrong_from = Throttle(clock, WRONG_PROOFS, WINDOW)
        self._wrong_for = Throttle(clock, WRONG_PROOFS, WINDOW)
        self._wrong_pair = Throttle(clock, WRONG_PROOFS, WINDOW)
        self._accepted = Throttle(clock, REQUESTS, WINDOW)

    def proof_of(self, request: Message, realm: str, trusted: Callable[[str], bool]) -> Proof | Refusal:
        """The proof a request brings, when it is worth a check; else the challenge or refusal to answer with.

        A user of whom `trusted` is true is never kept out by what others did wrong in his name.
        """
        proof = proof_in(request, realm)
        if proof is None:
            return 401, "Unauthorized", self._prover.challenges(realm, request.source, self._offers.to(request))
        if not self._prover.issued(proof.nonce, request.source):
            # Not checked and not counted: anybody could write our telephones' address into a datagram, and have
            # them shut out for wrong proofs they never sent.
            return 401, "Unauthorized", self._again(proof, realm, request)
        if self._is_throttled(proof, request.source[0], trusted):
            self._counters["throttled_registers"] += 1
            return _TOO_MANY
        return proof

    def refusal_of(self, proof: Proof, request: Message, directory: Directory, user: str) -> Refusal | None:
        """Why a request of `user` is refused with this proof; None when it is his."""
        verdict = self._prover.judge(proof, request, directory.users.get(proof.user))
        if verdict is Verdict.WRONG:
            self._counters["wrong_proofs"] += 1
            self._wrong_from.count(request.source[0])
            self._wrong_for.count(proof.user)
            self._wrong_pair.count(f"{request.source[0]} {proof.user}")
            return 403, "Wrong User Or Secret", ()  # to another challenge some would answer the same without end
        if verdict is Verdict.STALE:
            return 401, "Unauthorized", self._again(proof, directory.realm, request)
        self._offers.proved(request)
        if proof.user != user:
            return 403, "Not Your Address", ()
        self._accepted.count(user)
        return None

    def _again(self, proof: Proof, realm: str, request: Message) -> wire.Fields:
        return self._prover.challenges(realm, request.source, (proof.algorithm,), stale=True)

    def _is_throttled(self, proof: Proof, address: str, trusted: Callable[[str], bool]) -> bool:
        """Whether nothing is checked for this sender any more.

        Ten wrong proofs silence an address. Ten for one user, from wherever, leave every address one try; who
        made no mistake is let in.
        """
        if self._accepted.is_full(proof.user):
            return True
        if trusted(proof.user):
            return False
        if self._wrong_from.is_full(address):
            return True
        return self._wrong_for.is_full(proof.user) and self._wrong_pair.seen(f"{address} {proof.user}") > 0
