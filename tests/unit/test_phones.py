"""Phone times: forced alignment against the embedded corpus' own times, and the stage that brings them to a metric."""

from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
from scipy.signal import resample_poly

from dheads_model.manifest import Manifest, Outcome, store_files, write_manifest
from dheads_model.media import forced_alignment
from dheads_model.media.forced_alignment import align_phones, words_of
from dheads_model.metrics.lips_meet import is_bilabial
from dheads_model.metrics.phones import SpokenPhones
from dheads_model.stages.phones import phones_by_clip, read_phones, write_phones

aligner = pytest.mark.skipif(not find_spec("pocketsphinx"), reason="the extra alignment is not installed")
speaking = pytest.mark.skipif(
    not find_spec("espeakng_loader"), reason="the synthesiser of the embedded corpus is not installed"
)


def spoken(clips: int):
    """(clip, audio at 16 kHz, true phones) of clips of the embedded corpus, without rendering them."""
    from dheads_model.corpora.embedded.clips import list_clips
    from dheads_model.corpora.embedded.synthesise import speak_all

    actors = {"actors": clips, "clips_per_actor": 1, "validation_actors": 0, "test_actors": 1, "seed": 7}
    planned = list_clips(actors)
    for clip, speech in zip(planned, speak_all(planned, 7), strict=True):
        audio = resample_poly(speech.samples.astype(float), 16000, speech.rate).clip(-32768, 32767)
        yield clip, audio.astype(np.int16), speech.phonemes


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's eleven o'clock.", ["it's", "eleven", "o'clock"]),
        ("We’ll  stop - 'now'!", ["we'll", "stop", "now"]),
        (" ?! ", []),
        ("bin_blue", ["bin", "blue"]),
    ],
)
def test_words_as_the_dictionary_writes_them(text, words):
    assert words_of(text) == words


@aligner
@speaking
def test_aligned_closures_of_the_embedded_corpus_are_where_they_are_spoken():
    errors = []
    for clip, audio, truth in spoken(12):
        found, reason = align_phones(audio, clip.transcript)
        assert reason == "", clip.transcript
        ours, theirs = ([p for p in phones if is_bilabial(p[2])] for phones in (found, truth))
        assert len(ours) == len(theirs), clip.transcript
        errors += [abs(a[0] - b[0]) for a, b in zip(ours, theirs, strict=True)]
    # A frame lasts 40 ms, and the metric looks at one frame on each side.
    assert len(errors) == 18
    assert np.median(errors) < 0.04 and np.percentile(errors, 90) < 0.1


@aligner
@speaking
def test_alignment_does_not_depend_on_what_was_aligned_before():
    (clip, audio, _), (other, more, _) = spoken(2)
    first = align_phones(audio, clip.transcript)
    align_phones(more, other.transcript)
    assert align_phones(audio, clip.transcript) == first


@aligner
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no transcript"),
        ("the xyzzyx speaks", "the aligner's English dictionary lacks 'xyzzyx'"),
        ("a much longer sentence than anybody can speak in such a short time", "the audio does not fit the transcript"),
    ],
)
def test_no_times_are_made_up(text, reason):
    noise = (np.random.default_rng(0).normal(size=4800) * 3000).astype(np.int16)
    assert align_phones(noise, text) == ((), reason)


def test_without_the_extra_the_reason_names_it(monkeypatch):
    monkeypatch.setattr(forced_alignment, "find_spec", lambda name: None)
    phones, reason = align_phones(np.zeros(16000, np.int16), "maybe")
    assert phones == () and reason == "extra alignment is not installed (pip install 'dheads[alignment]')"


def test_the_table_keeps_phones_and_reasons(tmp_path):
    phones = SpokenPhones(((0.1, 0.2, "m"), (0.2, 0.5, "ˈeɪ")))
    write_phones(tmp_path / "00000.parquet", {"a": phones, "b": SpokenPhones(reason="no transcript")})
    outcomes = (Outcome("a", "ok", facts={"from": "corpus"}), Outcome("b", "ok", facts={"reason": "no transcript"}))
    stored = store_files([tmp_path / "00000.parquet"], tmp_path / "00000.json")
    write_manifest(tmp_path / "00000.json", Manifest("time_phones", "d", "test", "00000", {}, outcomes, stored))
    assert read_phones(tmp_path / "00000.json") == {"a": phones, "b": SpokenPhones(reason="no transcript")}
    assert phones_by_clip(pd.read_parquet(tmp_path / "00000.parquet")) == {"a": phones}
