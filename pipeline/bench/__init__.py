"""Benchmarks: each compares a hot path with its limit or a peer in the same run and prints the ratio."""
