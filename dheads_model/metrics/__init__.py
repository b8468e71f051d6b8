"""Metrics: pure functions on arrays, one file a metric."""
