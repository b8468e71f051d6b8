"""One module a metric, with one object `METRIC` (see dheads_model/metrics/clip_metric.py); registry.py finds them."""
