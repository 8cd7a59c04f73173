"""Thousands of complete calls: what the bridge needs after the second half of them is what it needed after the first.

What is kept by count has its tests beside what keeps it (`pyvoip/test_forgetting.py`, `test_ladder.py`,
`test_outbox.py`); this looks at the whole process, in the soak alone.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sipbridge.events import CallEnded, EndReason, Plan, Step
from tests.ports import free_port
from tests.sipbridge.office import HANGS_UP, INVITE, TAKEN, Office, needs_sipp, scenario
from tests.sipbridge.standin import Desk, wait_for
from tests.sipbridge.test_fuzz import Size

PHONE = Path(__file__).parent / "pyvoip" / "sipp" / "manager.xml"
CALLS, RATE = 3000, 40  # of a batch; a second
REMEMBERED = 70  # seconds after which nothing of a call is remembered: twice 64*T1


@needs_sipp
@pytest.mark.e2e
@pytest.mark.soak
def test_thousands_of_calls(office: Office, desk: Desk) -> None:
    port = free_port()
    office.run(*f"sipp -sf {PHONE} -i 127.0.0.1 -p {port} -mp {free_port()} -nostdin".split())
    desk.plan = lambda call: Plan((Step((f"sip:phone@127.0.0.1:{port}",), 5.0),), 1, 1.0, "", "", False)
    process = office.bridge(MAX_CALLS=300)
    callers = office.data / "callers.xml"
    callers.write_text(scenario(INVITE, TAKEN, HANGS_UP))
    sizes = [Size.of(process.pid)]
    for batch in (1, 2):
        command = (
            f"sipp 127.0.0.1:{office.sip_port} -sf {callers} -i 127.0.0.1 -p {free_port()} -mp {free_port()}"
            f" -m {CALLS} -r {RATE} -d 500 -s desk -nostdin -timeout {CALLS // RATE + 60} -timeout_error"
        )
        assert office.run(*command.split()).ended(CALLS / RATE + 90) == 0
        wait_for(lambda: len(desk.of(CallEnded)) == batch * CALLS, 30, "the end of every call")  # noqa: B023
        wait_for(lambda: Size.of(process.pid).descriptors <= sizes[0].descriptors + 3, REMEMBERED, "descriptors")
        sizes.append(Size.of(process.pid))
        print(f"{batch * CALLS} calls: {sizes[-1]}")
    talks = sum(call.end_reason == EndReason.COMPLETED for call in desk.of(CallEnded))
    assert talks > CALLS, "most were talks"
    before, first, second = sizes
    assert second.threads <= before.threads + 3
    assert first.megabytes - before.megabytes < 80, "what the calls of the last half minute need"
    assert second.megabytes - first.megabytes < 10, "and no more with more calls"
    assert not re.search("handler failed|Traceback", process.text), process.text[-5000:]
