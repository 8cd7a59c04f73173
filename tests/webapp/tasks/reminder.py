"""Workers that only remind, killed again and again: python -m tests.webapp.tasks.reminder DATA URL NOW

Each round two processes claim and announce side by side and are killed (SIGKILL) at a moment of their own, later with
every round; the round in which both come to the end by themselves is the last. Prints how many were killed.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from datetime import datetime

from webapp import config, create_app
from webapp.db import db
from webapp.tasks import reminding

ROUNDS = 60


def main(data: str, url: str, now: str) -> None:
    app = create_app(config.load({"SECONDRING_DATA": data, "DATABASE_URL": url}))
    reminding.AT_ONCE = 20
    chance, killed = random.Random(5), 0
    for turn in range(ROUNDS):
        children = []
        for _two in range(2):
            child = os.fork()
            if child == 0:
                with app.app_context():
                    while reminding.remind(db.session(), datetime.fromisoformat(now)):
                        time.sleep(0.01)  # between claim and commit is where a kill hurts
                        db.session.commit()
                    os._exit(0)
            children.append(child)
        ended = 0
        for child in children:
            time.sleep(chance.uniform(0, 0.03 * (turn + 1)))
            os.kill(child, signal.SIGKILL)
            ended += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        killed += 2 - ended
        if ended == 2:
            break
    print(killed)


if __name__ == "__main__":
    main(*sys.argv[1:])
