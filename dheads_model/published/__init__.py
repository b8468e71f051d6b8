"""The authors' files: reading and importing their checkpoints. TorchScript is run only after its sha256 is verified."""
