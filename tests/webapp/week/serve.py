"""The web process of a week in fast time: `python -m tests.webapp.week.serve`. Each request tells it the time."""

from __future__ import annotations

import http.client
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn

from tests.webapp.week.bridge import Answer
from webapp import config, create_app
from webapp.asgi import make_asgi

HEADER = "x-week-now"


class Told:
    """A clock that shows what it was told last."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.at


class Door:
    """How a bridge asks the process that serves there, over one connection that is opened anew when it was cut."""

    def __init__(self, port: int, data: Path, clock: Told) -> None:
        self.clock = clock
        self.headers = {"Authorization": f"Bearer {(data / 'bridge_token').read_text().strip()}"}
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def __call__(self, method: str, path: str, body: Any) -> Answer:
        text = None if body is None else json.dumps(body)
        told = {**self.headers, "Content-Type": "application/json", HEADER: self.clock.at.isoformat()}
        try:
            self.connection.request(method, path, text, told)
            answer = self.connection.getresponse()
            return answer.status, json.loads(answer.read())
        except http.client.HTTPException as error:
            self.close()
            raise ConnectionError(str(error)) from None
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Hang up; the next question opens the connection anew."""
        self.connection.close()


def main() -> None:
    """Serve until told to stop."""
    settings, clock = config.load(), Told()
    app = make_asgi(create_app(settings, CLOCK=clock))

    async def timed(scope: Any, receive: Any, send: Any) -> None:
        for name, value in scope.get("headers", ()):
            if name == HEADER.encode():
                clock.at = datetime.fromisoformat(value.decode())
        await app(scope, receive, send)

    uvicorn.run(timed, host=settings.web[0], port=settings.web[1], log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
