"""Shards: plan, deterministic tars, checked reader, loader for training."""
