"""FVD by the TorchScript I3D of StyleGAN-V, which the paper's tool uses, see networks/i3d.py."""

from dheads_model.errors import ClipFiltered
from dheads_model.metrics.column import ANY, LOWER, Column
from dheads_model.metrics.set_distance import SetDistance

WEIGHTS = "i3d_torchscript.pt"


def open_features(weights_folder, settings):
    """Logits `[1, 400]` of one window in the middle of a clip; raises UserError without the released weights.

    A clip that is shorter than the window is filtered, since a shorter window would be another metric.
    """
    from dheads_model.metrics.networks.i3d import open_i3d_script, script_features, window_frames
    from dheads_model.weights import read_weights_table

    network = open_i3d_script(weights_folder, read_weights_table()[WEIGHTS])
    length, stride = settings["fvd"]["frames"], settings["fvd"]["stride"]

    def features(frames):
        if len(frames) < (length - 1) * stride + 1:
            raise ClipFiltered("too_short", f"FVD takes {length} frames {stride} apart, and it has {len(frames)}")
        return script_features(network, frames[window_frames(len(frames), length, stride)])

    return features


def measure(real, generated):
    """See `measure_frechet` and `measure_frechet_infinite`."""
    from dheads_model.metrics.distribution import measure_frechet, measure_frechet_infinite

    plain, infinite = (column.metric for column in DISTANCE.columns)
    return [measure_frechet(plain, real, generated), measure_frechet_infinite(infinite, real, generated)]


DISTANCE = SetDistance(
    place=60,
    size=400,
    open=open_features,
    measure=measure,
    settings=("fvd",),
    about=lambda settings: f"windows of {settings['fvd']['frames']} frames, stride {settings['fvd']['stride']}, one a clip",
    weights=(WEIGHTS,),
    columns=(
        Column("fvd_torchscript", "FVD (TorchScript)", LOWER, 1,
               "Fréchet distance between the logits of windows of all generated and all real clips, by "
               "the TorchScript I3D of StyleGAN-V, which the paper's tool uses", optional=True),
        Column("fvd_infinite_torchscript", "FVD, n to infinity (TorchScript)", LOWER, 1,
               "the same extrapolated to infinitely many clips by a line in 1/n", optional=True, span=ANY),
    ),
)  # fmt: skip
