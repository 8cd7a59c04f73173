"""The SIP layer: the only place that imports pyVoIP, whose classes it subclasses and whose faults it cures."""

from sipbridge.pyvoip.accounts import NoLine
from sipbridge.pyvoip.bindings import Binding
from sipbridge.pyvoip.endpoint import Endpoint
from sipbridge.pyvoip.leg import Leg
from sipbridge.pyvoip.leg_events import Answered, Dtmf, Ended, Held, LegEvent, Ringing, TransferAsked, Unheld
from sipbridge.pyvoip.ports import NoPort
from sipbridge.pyvoip.registration import Account

__all__ = [
    "Account",
    "Answered",
    "Binding",
    "Dtmf",
    "Ended",
    "Endpoint",
    "Held",
    "Leg",
    "LegEvent",
    "NoLine",
    "NoPort",
    "Ringing",
    "TransferAsked",
    "Unheld",
]
