"""Video and audio in and out, and the clock that ties frames to samples."""
