"""Benchmarks. Each is run as `python -m bench.NAME` and prints ratios measured in one run."""
