"""Lips meet at P, B and M: by hand, on bad mouths, and on the embedded corpus' own mouths."""

from importlib.util import find_spec

import numpy as np
import pytest

from dheads_model.errors import UserError
from dheads_model.metrics.lips_meet import LIPS_MEET, closure_depths, is_bilabial, measure_lips_meet

# "ama pa" over one second, with pauses around.
PHONES = [
    (0.0, 0.2, "_:"),
    (0.2, 0.4, "ˈɑː"),
    (0.4, 0.48, "m"),
    (0.48, 0.64, "ə"),
    (0.64, 0.72, "p"),
    (0.72, 0.88, "ɐ"),
]


def mouth(*shut) -> np.ndarray:
    opening = np.full(25, 0.2)
    for frame, gap in shut:
        opening[frame] = gap
    return opening


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("ˈm", True), ("M", True), ("P", True), ("b", True), ("mː", True), ("n", False), ("ˌɑː", False), ("", False)],
)
def test_names_of_bilabials(name, is_one):
    assert is_bilabial(name) is is_one


def test_depths_by_hand():
    depths, reason = closure_depths(mouth((10, 0.0), (17, 0.15)), PHONES)
    assert depths == pytest.approx([1, 0.25]) and reason == ""
    share, depth, count = measure_lips_meet(mouth((10, 0.0), (17, 0.15)), PHONES)
    assert (share.value, depth.value, count.value) == pytest.approx((0.5, 0.625, 2))


def test_closures_elsewhere_do_not_count():
    assert [one.value for one in measure_lips_meet(mouth((6, 0.0), (13, 0.0)), PHONES)] == [0, 0, 2]


def test_a_closure_a_frame_early_counts_and_two_do_not():
    assert closure_depths(mouth((9, 0.0)), PHONES)[0][0] == 1
    assert closure_depths(mouth((8, 0.0)), PHONES)[0][0] == 0


@pytest.mark.parametrize("gap", [0.0, 0.005, 0.2])
def test_a_frozen_mouth_has_nothing_whether_open_or_shut(gap):
    assert [one.value for one in measure_lips_meet(np.full(25, gap), PHONES)] == [0, 0, 2]


def test_refusals():
    found = measure_lips_meet(mouth(), [(0.2, 0.4, "ɑː")])
    assert [(one.metric, one.value, one.reason) for one in found] == [
        (name, None, "no P, B or M is spoken") for name in LIPS_MEET
    ]
    assert measure_lips_meet(mouth(), [(0.2, 0.4, "m")])[0].reason == "nothing but P, B and M is spoken"
    assert measure_lips_meet(mouth(), [*PHONES[:2], (3.0, 3.1, "m")])[0].reason == "no P, B or M is spoken"
    with pytest.raises(UserError, match="ends before it starts"):
        measure_lips_meet(mouth(), [(0.5, 0.4, "m")])


@pytest.mark.skipif(not find_spec("espeakng_loader"), reason="the synthesiser of the embedded corpus is not installed")
def test_mouths_of_the_embedded_corpus_meet_and_those_of_another_time_do_not():
    from dheads_model.corpora.embedded.articulation import articulate
    from dheads_model.corpora.embedded.speech import Voice, speak

    text = "Maybe tomorrow my baby brother pumps up the big purple bubble."
    speech = speak([(text, Voice("en-us", 150, 50))], 0.25)[0]
    opening = articulate(speech, np.arange(int(speech.seconds * 25)) / 25).opening * 0.3
    share, depth, count = (one.value for one in measure_lips_meet(opening, list(speech.phonemes)))
    assert share == 1 and depth > 0.9 and count == 16
    backwards = [one.value for one in measure_lips_meet(opening[::-1], list(speech.phonemes))]
    assert backwards[0] < 0.8 and backwards[1] < depth
