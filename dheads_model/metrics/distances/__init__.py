"""One module per distance between sets of clips, see `dheads_model/metrics/set_distance.py`."""
