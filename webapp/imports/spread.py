"""Whose an exhibition's contacts become: regional ones their region's manager's, the others evenly spread (D16)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import Role, User


class Spread:
    """Gives out cards one by one; `given` counts how many each has got, by pool, and is kept between batches."""

    def __init__(
        self, chosen: Sequence[int], regional: Mapping[int, Sequence[int]], given: Mapping[str, int] | None = None
    ) -> None:
        self.chosen, self.regional = chosen, regional
        self.given = dict(given or {})

    def whose(self, region_id: int | None) -> int | None:
        """Whose the next card is: a manager of its region, else the one of the chosen who has the fewest so far."""
        of_region = self.regional.get(region_id or 0, ())
        pool, people = (f"{region_id}", of_region) if of_region else ("", self.chosen)
        if not people:
            return None
        whose = min(people, key=lambda user_id: self.given.get(f"{pool}:{user_id}", 0))
        self.given[f"{pool}:{whose}"] = self.given.get(f"{pool}:{whose}", 0) + 1
        return whose


def regional_managers(session: Session) -> dict[int, list[int]]:
    """Region -> its managers, in the order in which calls look for them."""
    query = select(User.region_id, User.id).where(User.region_id.is_not(None), User.role == Role.MANAGER, User.active)
    found: dict[int, list[int]] = {}
    for region_id, user_id in session.execute(query.order_by(User.id)):
        found.setdefault(region_id, []).append(user_id)
    return found
