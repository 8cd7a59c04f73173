"""The demo office of a first run: an invented packaging firm with people, a roster, clients and their history.

Everything is made up from lists of words by a seeded dice, so two runs differ in their passwords and dates only.
"""

from webapp.demo.loader import load

__all__ = ["load"]
