"""Whether the face stays the person of its ground truth and of the still image, by ArcFace's IResNet-50 trained on WebFace600K."""

import functools

from dheads_model.metrics.identity_columns import identity_metric

WEIGHTS = "w600k_r50.onnx"
DEPTH = 50


@functools.cache
def _embedder(weights_folder: str):
    from dheads_model.metrics.networks.iresnet import open_arcface
    from dheads_model.weights import read_weights_table

    return open_arcface(weights_folder, read_weights_table()[WEIGHTS], DEPTH)


METRIC = identity_metric(
    "arcface_r50",
    "ArcFace R50",
    "ArcFace's 512-d face embeddings (IResNet-50, WebFace600K; not for commercial use)",
    place=88,
    requested="arcface_r50",
    open_embedder=lambda folder: _embedder(folder),
    weights=(WEIGHTS,),
)
