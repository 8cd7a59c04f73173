"""The media end of a leg: pyVoIP's RTPClient with its threads replaced by a `Stream` on the shared hub."""

from __future__ import annotations

import pyVoIP.VoIP  # noqa: F401  # pyVoIP.RTP can't be imported before it
from pyVoIP import RTP

from sipbridge.media.hub import Hub
from sipbridge.media.stream import Stream
from sipbridge.pyvoip.sdp import CODECS

PAYLOAD_TYPES = {"PCMU": RTP.PayloadType.PCMU, "PCMA": RTP.PayloadType.PCMA}


class MediaClient(RTP.RTPClient):
    """Owns the leg's stream. Raises OSError when the port is taken by someone else."""

    def __init__(self, hub: Hub, ip: str, port: int, codec: str, event: int | None) -> None:
        assoc = {CODECS[codec]: PAYLOAD_TYPES[codec]}
        if event is not None:
            assoc[event] = RTP.PayloadType.EVENT
        super().__init__(assoc, ip, port, "", 0, RTP.TransmitType.SENDRECV)
        self.event = event
        self.stream = Stream(hub, ip, port, codec, event)

    def start(self) -> None:
        """The stream listens from its birth; there is nothing to start."""

    def stop(self) -> None:
        self.NSD = False
        self.stream.close()

    def set_remote(self, ip: str, port: int) -> None:
        """Where audio goes; '' for nowhere. An address RTP can't be sent to counts as nowhere."""
        nowhere = "::" if ":" in self.inIP else "0.0.0.0"  # noqa: S104  # written, not bound
        self.outIP, self.outPort = ip or nowhere, port
        try:
            self.stream.set_remote(self.outIP, port)
        except ValueError:
            self.stream.set_remote(nowhere, 0)
