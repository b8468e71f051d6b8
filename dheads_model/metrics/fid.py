"""FID and KID by preprocessing of the frames, as distances between sets of clips."""

from dheads_model.metrics.column import ANY, LOWER, Column
from dheads_model.metrics.set_distance import SetDistance

WEIGHTS = "weights-inception-2015-12-05-6726825d.pth"


def fid_and_kid(preprocessing: str, words: str, place: int) -> SetDistance:
    """The distances with a preprocessing of networks/inception.py, which `words` describes."""

    def open_features(weights_folder, settings):
        """Features `[K, 2048]` of K frames of a clip, at most 8, evenly spread; raises UserError without the released weights."""
        from dheads_model.metrics.networks.inception import frame_features, open_inception
        from dheads_model.metrics.sampled_frames import frames_to_take
        from dheads_model.weights import read_weights_table

        network = open_inception(weights_folder, read_weights_table()[WEIGHTS])
        return lambda frames: frame_features(network, frames[frames_to_take(len(frames))], preprocessing)

    def measure(real, generated):
        """See `measure_frechet`, `measure_frechet_infinite` and `measure_kernel`."""
        from dheads_model.metrics.distribution import frechet_and_kernel

        return frechet_and_kernel(*(column.metric for column in columns), real, generated)

    columns = (
        Column(f"fid_{preprocessing}", f"FID ({preprocessing})", LOWER, 1,
               "Fréchet distance between the features of all generated and all real clips, 8 frames a clip, by the Inception of "
               f"FID; frames resized {words}", optional=True),
        Column(f"fid_infinite_{preprocessing}", f"FID, n to infinity ({preprocessing})", LOWER, 1,
               "the same extrapolated to infinitely many clips by a line in 1/n", optional=True, span=ANY),
        Column(f"kid_{preprocessing}", f"KID ({preprocessing})", LOWER, 4,
               "squared maximum mean discrepancy of those features, not multiplied by 1000, one frame a clip, mean over draws of "
               "clips; unbiased, so it can be below 0", optional=True, span=ANY),
    )  # fmt: skip
    return SetDistance(place=place, size=2048, open=open_features, measure=measure, weights=(WEIGHTS,), columns=columns)
