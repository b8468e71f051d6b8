"""Datasets: listing, downloading and generating clips, and their assignment to shards."""
