"""Finds the telephones behind extensions and targets (see `sipbridge.events`) and rings them."""

from __future__ import annotations

import contextlib
import re

import structlog

from sipbridge import pyvoip
from sipbridge.pyvoip.redirection import is_outside
from sipbridge.pyvoip.uri import dialable

REGISTERED = "registered:"
_NUMBER = re.compile(r"tel:\+?[0-9*#]{2,24}")

log = structlog.get_logger(__name__)


class NobodyThere(LookupError):
    """The user has no telephone registered."""


class Switchboard:
    """Dials through `endpoint`."""

    def __init__(self, endpoint: pyvoip.Endpoint) -> None:
        self._endpoint = endpoint

    def trouble(self, target: str, line: str) -> str:
        """Why `target` can't be rung, in a word of `CommandRefused`; '' when it can."""
        if target.startswith(REGISTERED):
            return "" if self._endpoint.phones_of(target.removeprefix(REGISTERED)) else "no_phone"
        try:
            if target.startswith("tel:"):
                if not _NUMBER.fullmatch(target):
                    return "bad_target"
                self._endpoint.accounts.of_line(line)
            else:
                dialable(target)
        except pyvoip.NoLine:
            return "no_line"
        except ValueError:
            return "bad_target"
        return ""

    def contacts(self, extensions: tuple[str, ...]) -> tuple[str, ...]:
        """The SIP URIs that a caller may be sent on to.

        A telephone that registered a number as its Contact is left out: the caller's PBX would dial it.
        """
        found: list[str] = []
        for extension in extensions:
            if extension.startswith(REGISTERED):
                for phone in self._endpoint.phones_of(extension.removeprefix(REGISTERED)):
                    with contextlib.suppress(ValueError):  # it registered what can't stand in a 302
                        if not is_outside(dialable(phone.uri)):
                            found.append(phone.uri)
            elif extension.startswith("sip:"):
                found.append(extension)
        return tuple(found)

    def ring(self, target: str, line: str, number: str, name: str, codec: str) -> list[pyvoip.Leg]:
        """Ring every telephone of `target`, showing `number` and `name`.

        Raises NobodyThere, and what `Endpoint.dial` raises when not one could be rung.
        """
        if not target.startswith(REGISTERED):
            via = line if target.startswith("tel:") else ""
            if target.startswith("tel:") and not line:
                raise pyvoip.NoLine("a number is dialled through a line")
            return [
                self._endpoint.dial(target, caller_number=number, caller_name=name, codec=codec, via_line=via),
            ]
        legs: list[pyvoip.Leg] = []
        problem: Exception = NobodyThere("no telephone of that user is registered")
        for phone in self._endpoint.phones_of(target.removeprefix(REGISTERED)):
            try:
                legs.append(
                    self._endpoint.dial(
                        phone.uri, caller_number=number, caller_name=name, codec=codec, address=phone.address
                    )
                )
            except (ValueError, OSError, pyvoip.NoPort) as error:
                problem = error
                log.warning("one telephone of several can't be rung", why=type(error).__name__)
        if not legs:
            raise problem
        return legs
