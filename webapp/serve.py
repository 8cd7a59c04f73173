"""The web process: `python -m webapp.serve`."""

from __future__ import annotations

import sys

import uvicorn

from webapp import config, create_app, logs
from webapp.asgi import make_asgi


def main() -> int:
    """Serve until told to stop. Exit code 2 for a setting that can't be used."""
    logs.configure("web")
    try:
        settings = config.load()
    except config.ConfigError as error:
        print(f"secondring: {error}", file=sys.stderr)
        return 2
    host, port = settings.web
    uvicorn.run(
        make_asgi(create_app(settings)),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
