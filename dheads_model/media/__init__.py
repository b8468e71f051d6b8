"""Reading and writing video and audio, and the clock that relates frames to samples."""
