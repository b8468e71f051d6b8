"""The authors' files: their checkpoints are read and imported, never run without a check of their hash."""
