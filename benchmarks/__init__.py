"""Benchmarks: ``python -m benchmarks [NAME...]`` prints ratios against the naive way, in the same run."""
