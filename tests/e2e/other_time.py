"""A process of the desk that lives in another time: `python -m tests.e2e.other_time FILE web|bridge|worker`.

FILE says how many seconds its wall clock is ahead, and may be rewritten at any moment. The process is the real
one; only what its entry point and the standard library call the time is another.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sipbridge import __main__ as bridge
from webapp import clock


def main(file: str, name: str) -> int:
    """Run the process."""
    path, real = Path(file), time.time

    def ahead() -> float:
        return float(path.read_text() or 0)

    def now() -> datetime:
        return datetime.now(UTC) + timedelta(seconds=ahead())

    time.time = lambda: real() + ahead()
    bridge.utc_now = clock.now = now
    if name == "bridge":
        return bridge.main()
    if name == "web":
        from webapp import serve

        return serve.main()
    from webapp import worker

    return worker.main()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
