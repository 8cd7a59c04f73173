"""Cards to have rules about."""

from tests.webapp.clients.conftest import make_card

__all__ = ["make_card"]
