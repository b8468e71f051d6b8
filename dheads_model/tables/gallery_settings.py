"""Settings of the gallery, apart from its code, since planning reads them."""

from dheads_model.config import Count, CountOrZero, settings


@settings("gallery")
class GallerySettings:
    """The gallery, results/gallery/index.html: videos of all methods side by side."""

    clips: Count = 48
    """Test clips per dataset, drawn at random. All are shown where there are not more."""
    worst: CountOrZero = 2
    """Further clips of a larger test split: the worst per metric and method that generates videos."""
    seed: CountOrZero = 0
    """Seed of the draw."""
