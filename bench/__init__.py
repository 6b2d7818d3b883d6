"""Benchmarks that print JSON: `make bench`, or `python -m bench NAME…`."""
