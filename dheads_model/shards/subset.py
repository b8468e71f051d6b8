"""The seeded subset of a test shard of which videos are made, the same for every method. Standard library only."""

import hashlib
from collections.abc import Mapping, Sequence


def choose_clips(clips: Sequence[str], subset: Mapping | None) -> list[str]:
    """Ids of the chosen clips, in their order.

    subset: {"clips": how many of this shard, "seed": of the choice}; None for all. The order of a hash of (seed, id)
    decides, so a choice of more clips contains that of fewer, and a clip that is missing changes one choice.
    """
    if subset is None:
        return list(clips)
    ranked = sorted(clips, key=lambda clip: hashlib.sha256(f"{subset['seed']}:{clip}".encode()).hexdigest())
    chosen = set(ranked[: subset["clips"]])
    return [clip for clip in clips if clip in chosen]
