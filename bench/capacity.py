"""How many calls one core relays: more and more until p99 delay passes 20 ms. Run as `python -m bench.capacity`.

The relay's process is kept to one core, the telephones to another. Beside it runs the floor of `bench.relay`, a
loop that forwards datagrams blindly. Recording off and on; memory and threads by call.
"""

from __future__ import annotations

import argparse

from bench.relay import Figures, keep_to_core, measure

STEPS = (30, 60, 100, 150, 200, 250, 300, 400)
LIMIT_MS = 20.0
AIM = 200
SERVERS = {"floor": "floor: forwards blindly", "relay": "relay", "recorded": "relay, all recorded"}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="five seconds a step, up to the aim")
    short = parser.parse_args().short
    keep_to_core(-1)
    seconds = 5.0 if short else 15.0
    steps = [step for step in STEPS if step <= AIM] if short else STEPS
    print(f"{'':26}{'calls':>6}{'% of a core':>12}{'p50 ms':>9}{'p99 ms':>9}{'lost':>7}{'threads':>8}{'kB a call':>10}")
    carried = {server: climb(server, name, steps, seconds) for server, name in SERVERS.items()}
    floor = max(carried["floor"], 1)
    for server in ("relay", "recorded"):
        most = carried[server]
        met = "met" if most >= AIM else "MISSED"
        print(f"{SERVERS[server]:26}{most} calls a core, {most / floor:.2f} of the floor's; aim: {AIM}, {met}")


def climb(server: str, name: str, steps: list[int] | tuple[int, ...], seconds: float) -> int:
    """Measure step after step; the last one whose p99 stayed within the limit and that lost nothing to speak of."""
    carried = 0
    for calls in steps:
        figures = measure(server, seconds, calls)
        show(name, calls, figures)
        if figures.p99_ms > LIMIT_MS or figures.lost > 0.001 * figures.packets:
            break
        carried = calls
    return carried


def show(name: str, calls: int, figures: Figures) -> None:
    """One line of the table."""
    print(
        f"{name:26}{calls:6}{100 * figures.cpu:12.1f}{figures.p50_ms:9.3f}{figures.p99_ms:9.2f}"
        f"{figures.lost:7}{figures.threads:8}{1000 * figures.memory_mb / calls:10.1f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
