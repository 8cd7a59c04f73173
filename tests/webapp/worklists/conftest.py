"""Cards to find while rows are typed."""

from tests.webapp.clients.conftest import make_card

__all__ = ["make_card"]
