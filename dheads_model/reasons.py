"""Meaning of the reasons of filtered and failed clips, for the data card."""

MEANINGS = {
    "listed_bad": "named in the corpus' list of known-bad clips",
    "no_audio": "the file has no audio track",
    "silent_audio": "the audio never rises above the silence threshold",
    "no_video": "the file has no video track",
    "too_large": "the frames have more pixels than are decoded in bounded memory",
    "too_short": "fewer frames than the configured minimum",
    "too_long": "more frames than the configured maximum",
    "no_face": "no face was found in any frame",
    "face_gap": "the face is missing for longer than the configured gap",
    "face_too_small": "the eyes are closer together than the configured minimum",
    "face_jump": "the face changes place between two frames as it does at a cut",
    "not_fetched": "no host gave the file",
    "missing_file": "the source file is not there",
    "source_changed": "the source file differs from the one that was planned or hashed",
    "unreadable": "no decoder can open the file",
    "damaged": "decoding stops with an error inside the file",
    "crashed": "an unexpected error; the log of the stage has the details",
}
