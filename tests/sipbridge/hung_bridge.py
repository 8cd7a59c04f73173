"""A bridge that hangs where it is told to: `python -m tests.sipbridge.hung_bridge`.

The real process, but for a bridge that takes a call to the line `hang-THREAD` or `die-THREAD` as an order to that
thread. What it is told to do lasts for hours; nothing of the watchdog's is touched.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Any

from sipbridge import __main__ as program
from sipbridge import pyvoip
from sipbridge.bridge import Bridge
from sipbridge.media.recorder import Recorder

HOURS = 10_000


class HangingBridge(Bridge):
    """Does what a call to one of the lines below says, once."""

    _hang_link = _hang_main = False

    def on_call(self, leg: pyvoip.Leg) -> None:
        order, _, name = leg.line.partition("-")
        if order not in ("hang", "die"):
            super().on_call(leg)
            return
        leg.reject(486, "As told")

        def obey() -> None:
            if order == "die":
                sys.exit()  # ends this thread alone
            time.sleep(HOURS)

        if name == "sip":
            obey()  # on the thread that reads SIP, under its lock
        elif name == "bridge":
            self.errands.put(obey)
        elif name == "media":
            leg.media._hub.run(obey)
        elif name == "weblink":
            self._hang_link = True
        elif name == "main":
            self._hang_main = True
        elif name == "recordings":
            fifo = self.recordings / "hangs.wav"
            fifo.parent.mkdir(parents=True, exist_ok=True)
            os.mkfifo(fifo)  # to open it waits for a reader, as a dead disk waits for an answer
            Recorder(fifo)

    @property
    def beat(self) -> float:
        if self._hang_main and threading.current_thread() is threading.main_thread():
            time.sleep(HOURS)
        return super().beat

    def status(self) -> dict[str, Any]:
        if self._hang_link and threading.current_thread().name == "weblink":
            self._hang_link = False
            time.sleep(HOURS)
        return super().status()


if __name__ == "__main__":
    program.Bridge = HangingBridge  # type: ignore[attr-defined, misc]
    sys.exit(program.main())
