"""Which sync encoders can be trained. Standard library only."""


def too_few_clips(config: dict, encoder: str, clips: int) -> str:
    """Why a sync encoder is not trained on this many training clips, "" when it is."""
    needed = config["sync_encoders"][encoder]["min_clips"]
    return "" if clips >= needed else f"{clips} training clips, sync encoder {encoder} needs {needed}"
