"""The SIP layer: the only place that imports pyVoIP, whose classes it subclasses and whose faults it cures."""

from .endpoint import Endpoint
from .leg import Leg
from .leg_events import Answered, Ended, LegEvent, Ringing
from .ports import NoPort
from .registration import Account

__all__ = ["Account", "Answered", "Ended", "Endpoint", "Leg", "LegEvent", "NoPort", "Ringing"]
