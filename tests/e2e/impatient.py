"""A bridge that runs out of patience sooner: `python -m tests.e2e.impatient SECONDS`.

The real process, but that a line nobody refreshes or speaks on is given up after about SECONDS, not after minutes.
"""

from __future__ import annotations

import sys

from sipbridge import __main__ as program
from sipbridge import silence
from sipbridge.pyvoip import session_timer

if __name__ == "__main__":
    seconds = int(sys.argv.pop())
    silence.SILENCE_LIMIT = seconds
    session_timer.PROPOSED = seconds
    session_timer.SHORTEST = min(session_timer.SHORTEST, seconds)
    sys.exit(program.main())
