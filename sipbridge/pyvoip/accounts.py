"""The lines' accounts at PBX and trunk: which is whose, and who may hear a proof of our passwords."""

from __future__ import annotations

from collections.abc import Callable

from sipbridge.pyvoip import digest
from sipbridge.pyvoip.client import Client
from sipbridge.pyvoip.message import Address, Message
from sipbridge.pyvoip.net import Resolver
from sipbridge.pyvoip.registration import Account, Budget, Registration


class NoLine(ValueError):
    """No line of that name has an account."""


class Accounts:
    """Every account with its registration. Works under the client's lock."""

    def __init__(
        self,
        client: Client,
        accounts: tuple[Account, ...],
        instance: str,
        resolver: Resolver,
        clock: Callable[[], float],
        on_line: Callable[[str, bool, str], None],
    ) -> None:
        budgets: dict[tuple[str, int], Budget] = {}
        self._registrations = [
            Registration(
                client,
                account,
                instance,
                resolver,
                budgets.setdefault((account.host, account.port), Budget(clock)),
                on_line,
            )
            for account in accounts
        ]

    def start(self) -> None:
        for registration in self._registrations:
            registration.start()

    def stop(self) -> None:
        for registration in self._registrations:
            registration.stop()

    @property
    def all_registered(self) -> bool:
        return all(registration.registered for registration in self._registrations)

    def of_line(self, line: str) -> Account:
        """Raises NoLine."""
        return self._of_line(line).account

    def _of_line(self, line: str) -> Registration:
        for registration in self._registrations:
            if registration.account.line.lower() == line.lower():
                return registration
        raise NoLine(f"no account is known for the line {line!r}")

    def line_called(self, user: str) -> str:
        """The line whose account has this user name, '' when none has."""
        return next((each.account.line.lower() for each in self._registrations if each.account.user == user), "")

    def found(self, line: str, ip: str) -> None:
        """The registrar of this line's account was found at `ip`."""
        self._of_line(line).addresses.add(ip)

    def at(self, ip: str) -> bool:
        """Whether a registrar of ours is there."""
        return any(ip == each.account.host or ip in each.addresses for each in self._registrations)

    def authorize(
        self, response: Message, method: str, uri: str, destination: Address, line: str, again: bool = False
    ) -> tuple[str, str] | None:
        """The header that answers a digest challenge, None when we can't or should not.

        Only the PBX of one of our accounts gets a proof, that of `line` if it has one there. `again`: one was
        sent before, so only a stale nonce is worth another.
        """
        asked, name = (
            ("www-authenticate", "Authorization")
            if response.code == 401
            else ("proxy-authenticate", "Proxy-Authorization")
        )
        challenge = digest.best(response.fields.get(asked, ()))
        if challenge is None or (again and not challenge.stale):
            return None
        for registration in sorted(self._registrations, key=lambda each: each.account.line.lower() != line):
            account = registration.account
            if destination[0] == account.host or destination[0] in registration.addresses:
                return name, challenge.authorization(account.user, account.password, method, uri)
        return None
