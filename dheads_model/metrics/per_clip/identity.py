"""Whether the face stays the person of its ground truth and of the still image, by dlib's embedding."""

import functools

from dheads_model.metrics.identity_columns import identity_metric


@functools.cache
def _embedder():
    from dheads_model.metrics.networks.dlib_embedding import open_dlib_embedding

    return open_dlib_embedding()


METRIC = identity_metric(
    "dlib",
    "dlib",
    "dlib's 128-d face embeddings",
    place=87,
    requested="identity",
    open_embedder=lambda folder: _embedder(),
    between=("; between two people about 0.84", "; between two people about 0.8"),
)
