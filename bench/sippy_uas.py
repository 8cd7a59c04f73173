"""sippy answering calls, for comparison: `python -m bench.sippy_uas PORT`. Needs `pip install sippy==2.5.0`."""

from __future__ import annotations

import sys
from typing import Any

from sippy.CCEvents import CCEventConnect, CCEventRing, CCEventTry
from sippy.Core.EventDispatcher import ED2
from sippy.SipConf import SipConf
from sippy.SipLogger import SipLogger
from sippy.SipTransactionManager import SipTransactionManager
from sippy.UA import UA


class _Silence(SipLogger):
    """sippy writes every message to a file; that is not what is measured."""

    def __init__(self) -> None:
        pass

    def write(self, *args: Any, **options: Any) -> None:
        pass


def main(port: int) -> None:
    """Answer every INVITE with 180 and 200, until killed."""
    conf = {
        "_sip_address": "127.0.0.1",
        "_sip_port": port,
        "nh_addr": ("127.0.0.1", 9),
        "_sip_logger": _Silence(),
        "sip_conf": SipConf,
    }

    def on_request(request: Any, transaction: Any) -> Any:
        if request.getMethod() != "INVITE" or request.getHFBody("to").getTag() is not None:
            return request.genResponse(481, "Call Leg/Transaction Does Not Exist"), None, None
        return UA(conf, event_cb=on_event).recvRequest(request, transaction)

    def on_event(event: Any, agent: Any) -> None:
        if isinstance(event, CCEventTry):
            offer = event.getData()[3]
            agent.recvEvent(CCEventRing((180, "Ringing", None)))
            agent.recvEvent(CCEventConnect((200, "OK", offer)))

    conf["_sip_tm"] = SipTransactionManager(conf, on_request)
    ED2.loop()


if __name__ == "__main__":
    main(int(sys.argv[1]))
