"""The config block `landmark`."""

from dheads_model.config import settings


@settings("landmark")
class RedetectSettings:
    """The 68 landmarks in pixels of the crop."""

    redetect: bool = False
    """Detect landmarks again in the crop, instead of transforming those of the source."""
