"""Every table, imported in one place, so that relationships between packages resolve."""

from webapp.accounts import models as accounts
from webapp.calls import models as calls
from webapp.clients import models as clients
from webapp.deals import models as deals
from webapp.feed import Feed
from webapp.office import models as office
from webapp.recordings import models as recordings
from webapp.roster import models as roster
from webapp.scripts import models as scripts
from webapp.tasks import models as tasks
from webapp.touches import models as touches

__all__ = [
    "Feed",
    "accounts",
    "calls",
    "clients",
    "deals",
    "office",
    "recordings",
    "roster",
    "scripts",
    "tasks",
    "touches",
]
