"""The lines with an account at a PBX, and whether each is registered there."""

from __future__ import annotations

from collections.abc import Iterable


class Lines:
    """`up` says of each line whether it is registered now; at first none is."""

    def __init__(self, names: Iterable[str]) -> None:
        self.up = dict.fromkeys(names, False)
        self._said: dict[str, tuple[bool, str]] = {}

    def changed(self, line: str, registered: bool, detail: str) -> bool:
        """Take in how a line stands; whether that is any news."""
        news = self._said.get(line) != (registered, detail)
        self._said[line] = registered, detail
        self.up[line] = registered
        return news
