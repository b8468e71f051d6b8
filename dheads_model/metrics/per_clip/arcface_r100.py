"""Whether the face stays the person of its ground truth and of the still image, by ArcFace's IResNet-100 trained on Glint360K."""

import functools

from dheads_model.metrics.identity_columns import identity_metric

WEIGHTS = "glint360k_cosface_r100_fp16_0.1_backbone.pth"
DEPTH = 100


@functools.cache
def _embedder(weights_folder: str):
    from dheads_model.metrics.networks.iresnet import open_arcface
    from dheads_model.weights import read_weights_table

    return open_arcface(weights_folder, read_weights_table()[WEIGHTS], DEPTH)


METRIC = identity_metric(
    "arcface_r100",
    "ArcFace R100",
    "ArcFace's 512-d face embeddings (IResNet-100, Glint360K; not for commercial use)",
    place=89,
    requested="arcface_r100",
    open_embedder=lambda folder: _embedder(folder),
    weights=(WEIGHTS,),
)
