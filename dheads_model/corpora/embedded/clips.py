"""Names, sentences and splits of the embedded corpus, after CREMA-D (Cao et al. 2014). Standard library only."""

import random

from dheads_model.corpora.plan import PlannedClip
from dheads_model.errors import UserError

FIRST_ACTOR = 1001
SENTENCES = {
    "IEO": "It's eleven o'clock.",
    "TIE": "That is exactly what happened.",
    "IOM": "I'm on my way to the meeting.",
    "IWW": "I wonder what this is about.",
    "TAI": "The airplane is almost full.",
    "MTI": "Maybe tomorrow it will be cold.",
    "IWL": "I would like a new alarm clock.",
    "ITH": "I think I have a doctor's appointment.",
    "DFA": "Don't forget a jacket.",
    "ITS": "I think I've seen this before.",
    "TSI": "The surface is slick.",
    "WSI": "We'll stop in a couple of minutes.",
}
EMOTIONS = ("NEU", "HAP", "SAD", "ANG", "FEA", "DIS")


def list_clips(settings: dict) -> list[PlannedClip]:
    """The planned clips: each actor speaks `clips_per_actor` of the sentences; the next actor continues with the next ones.

    settings: actors, clips_per_actor, validation_actors, test_actors, seed. Raises UserError when the held-out actors
    leave none to train.
    """
    count, held_out = settings["actors"], settings["validation_actors"] + settings["test_actors"]
    if held_out >= count:
        raise UserError(f"embedded.actors is {count} and {held_out} are held out; raise it or hold out fewer.")
    splits = _splits(settings)
    sentences = list(SENTENCES)
    clips = []
    for actor in range(count):
        for number in range(settings["clips_per_actor"]):
            place = actor * settings["clips_per_actor"] + number
            sentence, emotion = sentences[place % len(sentences)], EMOTIONS[(actor + number) % len(EMOTIONS)]
            clip = f"{FIRST_ACTOR + actor}_{sentence}_{emotion}_XX"
            clips.append(PlannedClip(clip, str(FIRST_ACTOR + actor), splits[actor], SENTENCES[sentence]))
    return clips


def _splits(settings: dict) -> list[str]:
    """Split of each actor, drawn by the seed; men and women alternate, so every split gets both."""
    order = list(range(settings["actors"]))
    random.Random(settings["seed"]).shuffle(order)
    splits = ["train"] * settings["actors"]
    for place, actor in enumerate(order):
        if place < settings["test_actors"]:
            splits[actor] = "test"
        elif place < settings["test_actors"] + settings["validation_actors"]:
            splits[actor] = "val"
    return splits
