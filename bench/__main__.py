"""`./desk bench [names] [--short]`: every benchmark in turn, each printing ratios against a floor of the same run."""

from __future__ import annotations

import importlib
import sys
import time

BENCHMARKS = {
    "ring": "INVITE on the wire to 180 Ringing, beside SIPp as a bare answering machine",
    "pop": "INVITE on the wire to the listener and to the painted page, beside a program that does nothing else",
    "rate": "calls a second without a failure, INVITE to plan, beside SIPp's and sippy's UAS",
    "flood": "INVITE on the wire to 180 Ringing while a stranger sends a thousand packets a second, and without him",
    "relay": "thirty relayed calls: CPU, delay, drift, beside a blind forwarder",
    "capacity": "how many relayed calls one core carries, recorded and not, beside a blind forwarder",
    "match": "how many cards are found by what people type of them, and how many strangers are taken for one",
    "import": "a list of 200,000 rows taken in, and how long calls wait for their plan meanwhile",
    "week": "a week of an office through the bridge's door, beside bare inserts of the same rows",
    "cards": "the card behind a number, beside one bare indexed query",
}


def main(arguments: list[str]) -> int:
    """Run the named benchmarks, or all. Returns the exit code."""
    short = ["--short"] if "--short" in arguments else []
    names = [argument for argument in arguments if not argument.startswith("-")] or list(BENCHMARKS)
    if unknown := [name for name in names if name not in BENCHMARKS]:
        print(f"no benchmark {unknown[0]!r}; there are:")
        print("\n".join(f"  {name:8} {what}" for name, what in BENCHMARKS.items()))
        return 2
    for name in names:
        print(f"\n== {name}: {BENCHMARKS[name]}", flush=True)
        started = time.monotonic()
        sys.argv = [f"bench.{name}", *short]
        importlib.import_module(f"bench.{name}").main()
        print(f"   ({time.monotonic() - started:.0f} s)", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
