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


def listen(host: str, port: int, *, shared: bool) -> socket.socket:
    """The socket of the pages. When it is `shared`, processes of one user listen there together: each new connection
    goes to one of them, and to one that lives. Raises OSError."""
    door = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        door.bind((host, port))
    except OSError:
        door.close()
        raise
    return door


def main() -> int:
    """Serve until told to stop. Exit code 2 for a setting that can't be used."""
    logs.configure("web")
    try:
        settings = config.load()
    except config.ConfigError as error:
        print(f"secondring: {error}", file=sys.stderr)
        return 2
    server = Server(
        uvicorn.Config(
            make_asgi(create_app(settings)),
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,
        )
    )
    try:
        door = listen(*settings.web, shared=settings.web_processes > 1)
    except OSError as error:
        print(f"secondring: SECONDRING_WEB: can't listen there: {error.strerror}", file=sys.stderr)
        return 1
    with suppress(KeyboardInterrupt), door:
        server.run(sockets=[door])
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())
