"""Moving an office's data as a whole: a backup, back from it, and from SQLite to PostgreSQL. Behind commands only."""


class Refused(Exception):
    """What was asked can't be done and nothing was changed, or what was begun can be carried on; the text says how."""
