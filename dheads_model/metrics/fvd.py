"""FVD by network, as a distance between sets of clips."""

from collections.abc import Callable

from dheads_model.errors import ClipFiltered
from dheads_model.metrics.column import ANY, LOWER, Column
from dheads_model.metrics.set_distance import SetDistance


def fvd(name: str, title: str, words: str, weights: str, place: int, open_network: Callable) -> SetDistance:
    """The distance by an I3D that `words` describes, with a file of the weights table.

    open_network: called with the folder of weights and the file's row of the table; returns a function from frames uint8
    `[T, S, S, 3]` of a window to its logits `[1, 400]`.
    """

    def open_features(weights_folder, settings):
        """Logits `[1, 400]` of one window in the middle of a clip; raises UserError without the released weights.

        A clip that is shorter than the window is filtered, since a shorter window would be another metric.
        """
        from dheads_model.metrics.networks.i3d import window_frames
        from dheads_model.weights import read_weights_table

        logits = open_network(weights_folder, read_weights_table()[weights])
        length, stride = settings["fvd"]["frames"], settings["fvd"]["stride"]

        def features(frames):
            if len(frames) < (length - 1) * stride + 1:
                raise ClipFiltered("too_short", f"FVD takes {length} frames {stride} apart, and it has {len(frames)}")
            return logits(frames[window_frames(len(frames), length, stride)])

        return features

    def measure(real, generated):
        """See `measure_frechet` and `measure_frechet_infinite`."""
        from dheads_model.metrics.distribution import measure_frechet, measure_frechet_infinite

        plain, infinite = (column.metric for column in columns)
        return [measure_frechet(plain, real, generated), measure_frechet_infinite(infinite, real, generated)]

    def about(settings):
        return f"windows of {settings['fvd']['frames']} frames, stride {settings['fvd']['stride']}, one a clip"

    columns = (
        Column(f"fvd_{name}", f"FVD ({title})", LOWER, 1,
               f"Fréchet distance between the logits of windows of all generated and all real clips, by {words}", optional=True),
        Column(f"fvd_infinite_{name}", f"FVD, n to infinity ({title})", LOWER, 1,
               "the same extrapolated to infinitely many clips by a line in 1/n", optional=True, span=ANY),
    )  # fmt: skip
    return SetDistance(
        place=place, size=400, open=open_features, measure=measure, settings=("fvd",), about=about, weights=(weights,),
        columns=columns,
    )  # fmt: skip
