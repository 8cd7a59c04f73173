"""The bridge, whose first call comes as soon as its port is open, before it has looked at its former life."""

from __future__ import annotations

from sipbridge import __main__ as bridge_process
from sipbridge.config import Config
from tests.sipbridge.standin import wait_for

_listen = bridge_process.listen


def listen(config: Config, *others: object) -> object:
    """Listen, and go on only when somebody called."""
    endpoint = _listen(config, *others)  # type: ignore[arg-type]
    notes = config.bridge_folder / "offered.jsonl"
    wait_for(lambda: notes.stat().st_size, 10, "a call")
    return endpoint


if __name__ == "__main__":
    bridge_process.listen = listen  # type: ignore[assignment]
    raise SystemExit(bridge_process.main())
