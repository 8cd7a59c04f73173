"""A worker that dies at one point of its work: python -m tests.webapp.recordings.killed DATA URL POINT NOW

POINT is a step of `webapp.recordings.store`, with `before ` or `after ` in front.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any

from webapp import config, create_app
from webapp.db import db
from webapp.recordings import files, store

STEPS: dict[str, tuple[Any, str]] = {
    "compress": (store, "compress"),
    "replace": (os, "replace"),
    "move": (store, "_move"),
    "remove": (files, "remove"),
}


def main(data: str, url: str, point: str, now: str) -> None:
    when, _blank, name = point.partition(" ")
    holder, attribute = STEPS[name]
    real: Callable[..., Any] = getattr(holder, attribute)

    def deadly(*args: Any, **kwargs: Any) -> Any:
        if when == "after":
            real(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    app = create_app(config.load({"SECONDRING_DATA": data, "DATABASE_URL": url}))
    with app.app_context():
        setattr(holder, attribute, deadly)
        store.store_all(db.session(), app.config["SETTINGS"].recordings, datetime.fromisoformat(now), lambda: True)


if __name__ == "__main__":
    main(*sys.argv[1:])
