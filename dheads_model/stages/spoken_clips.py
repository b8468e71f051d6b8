"""Audio features and mouth openings of the clips of a dataset."""

from dheads_model.media.clock import FEATURE_COLUMNS_PER_FRAME
from dheads_model.metrics.audio_reference import SpokenClip
from dheads_model.metrics.signals import mouth_opening
from dheads_model.shards.index import Index
from dheads_model.shards.reader import ShardClip, read_shard

# Of a larger split every k-th shard is taken: more clips give the same result.
MOST_CLIPS = 2000


def spoken_clips(index: Index, split: str) -> list[SpokenClip]:
    """Features and mouth opening of a split's clips, or of evenly spaced shards of a large one."""
    every = -(-index.count(split) // MOST_CLIPS) or 1
    return [spoken_clip(clip) for path in index.manifests(split)[::every] for clip in read_shard(path)]


def spoken_clip(clip: ShardClip) -> SpokenClip:
    """Features and mouth opening of one clip of a shard."""
    features = clip.features.reshape(len(clip.frames), FEATURE_COLUMNS_PER_FRAME, -1)
    return SpokenClip(clip.clip, clip.speaker, features, mouth_opening(clip.landmarks))
