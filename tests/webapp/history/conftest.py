"""Cards whose past is read."""

from tests.webapp.clients.conftest import make_card

__all__ = ["make_card"]
