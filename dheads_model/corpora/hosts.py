"""Where the media of a corpus are fetched from."""

from typing import Literal

from dheads_model.config import settings


@settings("sources")
class Source:
    """A host of a corpus' objects."""

    kind: Literal["git-lfs", "files"]
    """git-lfs asks the batch API of a repository, files takes url + path."""
    url: str
    """Address of the repository, ending in .git, or of the folder that holds VideoFlash."""
