"""The web process: `python -m webapp.serve`."""

from __future__ import annotations

import socket
import sys
from contextlib import suppress

import uvicorn

from service.notify import Supervisor
from webapp import config, create_app, feed, logs
from webapp.asgi import make_asgi


class Server(uvicorn.Server):
    """Ends the live streams before it stops: each open page would hold it up until it is cut off with an error.

    Whoever supervises the process hears when it serves, that its loop goes round, and when it ends.
    """

    supervisor = Supervisor()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve."""
        await super().startup(sockets)
        if self.started:
            self.supervisor.ready()

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second."""
        self.supervisor.alive()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop serving."""
        self.supervisor.stopping()
        feed.end_streams()
        await super().shutdown(sockets)


def main() -> int:
    """Serve until told to stop. Exit code 2 for a setting that can't be used."""
    logs.configure("web")
    try:
        settings = config.load()
    except config.ConfigError as error:
        print(f"secondring: {error}", file=sys.stderr)
        return 2
    host, port = settings.web
    server = Server(
        uvicorn.Config(
            make_asgi(create_app(settings)),
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,
        )
    )
    with suppress(KeyboardInterrupt):
        server.run()
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())
