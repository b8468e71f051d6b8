"""Which test clips get videos: the seeded subset of a large corpus, and the sampling jobs of a shard. Standard library only."""

import math
from collections.abc import Mapping


def share_clips(shards: Mapping[str, int], wanted: int) -> dict[str, int]:
    """{shard: how many of its clips are chosen}, proportional to its size, by the largest remainder; none gets 0.

    shards: {number: planned clips}. The clips themselves are chosen in the jobs (`dheads_model.shards.subset`), since a
    corpus that is not fetched yet has no names.
    """
    total = sum(shards.values())
    if wanted >= total:
        return dict(shards)
    exact = {number: wanted * clips / total for number, clips in shards.items()}
    shares = {number: math.floor(share) for number, share in exact.items()}
    order = sorted(exact, key=lambda number: (shares[number] - exact[number], number))
    for number in order[: wanted - sum(shares.values())]:
        shares[number] += 1
    return {number: share for number, share in shares.items() if share}


def cut_parts(clips: int, clips_per_job: int) -> dict[str, list[int]]:
    """{number of a sampling job, four digits: [its first clip, how many]} of a shard's chosen clips; at least one job."""
    starts = range(0, max(clips, 1), clips_per_job)
    return {f"{part:04d}": [start, min(clips_per_job, clips - start)] for part, start in enumerate(starts)}
