"""The web process of a week in fast time: `python -m tests.webapp.week.serve`. Each request tells it the time."""

from __future__ import annotations

import http.client
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn

from tests.webapp.week.bridge import Ask
from webapp import config, create_app
from webapp.asgi import make_asgi

HEADER = "x-week-now"


class Told:
    """A clock that shows what it was told last."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.at


def asker(host: str, port: int, data: Path, clock: Told) -> Ask:
    """How a bridge asks the process that serves there, over one connection that is opened anew when it was cut."""
    headers = {"Authorization": f"Bearer {(data / 'bridge_token').read_text().strip()}"}
    connection = http.client.HTTPConnection(host, port, timeout=30)

    def ask(method: str, path: str, body: Any) -> tuple[int, Any]:
        text = None if body is None else json.dumps(body)
        told = {**headers, "Content-Type": "application/json", HEADER: clock.at.isoformat()}
        try:
            connection.request(method, path, text, told)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        except http.client.HTTPException as error:
            connection.close()
            raise OSError(str(error)) from None
        except OSError:
            connection.close()
            raise

    return ask


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
