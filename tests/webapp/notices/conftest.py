"""A bridge's voice, a roster and clients for the pages of this moment."""

from tests.webapp.calls.conftest import bridge, make_client, on_duty

__all__ = ["bridge", "make_client", "on_duty"]
