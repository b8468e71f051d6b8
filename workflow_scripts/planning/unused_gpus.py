"""GPUs of this machine that a run would leave unused although some of its jobs compute faster on one."""

from collections.abc import Collection, Mapping, Sequence

# Rules whose jobs PyTorch computes, and the config block that says on how many GPUs.
_BLOCKS = {"train_model": "runs", "sample_videos": "methods", "train_sync_encoder": "sync_encoders"}
_NAMED = 3


def unused_gpus(rules: Collection[str], config: Mapping, gpus: Sequence[str]) -> str:
    """A sentence with what to write instead; "" where no GPU is, or no job has gpus 0.

    rules: of the planned jobs. gpus: those that this machine may use.
    """
    blocks = [block for rule, block in _BLOCKS.items() if rule in rules]
    found = {block: [name for name, given in config[block].items() if given.get("gpus") == 0] for block in blocks}
    named = [f"{block}.{name}" for block, names in found.items() for name in names]
    if not gpus or not named:
        return ""
    who = ", ".join(named[:_NAMED]) + (f" and {len(named) - _NAMED} more" if len(named) > _NAMED else "")
    write = " ".join(f"'{block}={{{names[0]}.gpus: 1}}'" for block, names in found.items() if names)
    return f"{len(gpus)} here, not used by {who}, whose gpus is 0; to use one: --config {write}"
