"""One module a dataset, with one object `DATASET` (see dheads_model/corpora/dataset.py); registry.py finds them."""
