"""Every table, imported in one place, so that relationships between packages resolve."""

from webapp.accounts import models as accounts
from webapp.api import models as api
from webapp.calls import models as calls
from webapp.clients import models as clients
from webapp.deals import models as deals
from webapp.doubles import models as doubles
from webapp.feed import Feed
from webapp.imports import models as imports
from webapp.jobs import models as jobs
from webapp.letters import models as letters
from webapp.mail import models as mail
from webapp.office import models as office
from webapp.presence import models as presence
from webapp.privacy import models as privacy
from webapp.recordings import models as recordings
from webapp.roster import models as roster
from webapp.rules import models as rules
from webapp.scripts import models as scripts
from webapp.tasks import models as tasks
from webapp.touches import models as touches
from webapp.worklists import models as worklists

__all__ = [
    "Feed",
    "accounts",
    "api",
    "calls",
    "clients",
    "deals",
    "doubles",
    "imports",
    "jobs",
    "letters",
    "mail",
    "office",
    "presence",
    "privacy",
    "recordings",
    "roster",
    "rules",
    "scripts",
    "tasks",
    "touches",
    "worklists",
]
