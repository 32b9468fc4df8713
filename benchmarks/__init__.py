"""Measurements of the whole, through its public API; `python -m benchmarks NAME`."""
