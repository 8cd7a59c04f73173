"""The clock of entry points. Everything below a view, a command or a worker job takes its time as an argument."""

from datetime import UTC, datetime


def now() -> datetime:
    """This instant, aware, in UTC. Tests replace it in the app's config (`CLOCK`)."""
    return datetime.now(UTC)
