"""Measurements of the goals in `docs/`: figures to read, never thresholds of the test suite."""
