"""Decoding, encoding and sound of good and bad files."""

import subprocess
import sys

import numpy as np
import pytest
from skimage.data import astronaut

from dheads_model.errors import ClipFailed, ClipFiltered, UserError
from dheads_model.media.audio import load_speech, loudest_frame_dbfs, read_audio, read_wav, wav_bytes, write_wav
from dheads_model.media.container import probe
from dheads_model.media.encode import encode_video
from dheads_model.media.features import log_filterbank
from dheads_model.media.video import decode_video, open_video
from tests.media_fixtures import write_media

TIMES = [number / 25 for number in range(50)]


@pytest.fixture(scope="module")
def pan():
    picture = astronaut()
    return np.stack([picture[i : i + 128, 100 + i : 228 + i] for i in range(20)])


def test_crops_survive_encoding_nearly_without_loss(pan):
    decoded = decode_video(encode_video(pan, pixel_format="yuv444p"))
    assert decoded.shape == pan.shape
    assert 10 * np.log10(255**2 / np.mean((decoded.astype(float) - pan) ** 2)) > 40


def test_encoding_gives_the_same_bytes_in_another_process(pan, tmp_path):
    np.save(tmp_path / "pan.npy", pan)
    code = (
        "import sys, hashlib, numpy; from dheads_model.media.encode import encode_video;"
        "print(hashlib.sha256(encode_video(numpy.load(sys.argv[1]))).hexdigest())"
    )
    hashes = {
        subprocess.run([sys.executable, "-c", code, str(tmp_path / "pan.npy")], capture_output=True, text=True).stdout
        for _ in range(2)
    }
    assert len(hashes) == 1
    assert len(hashes.pop()) == 65


def test_sound_in_an_encoded_video_stays_in_its_place(pan, tmp_path):
    sound = np.zeros(640 * len(pan), np.int16)
    sound[6400:6432] = 20_000
    path = tmp_path / "talk.mp4"
    path.write_bytes(encode_video(pan, sound))
    back = read_audio(path, 0.0, len(pan))
    assert abs(int(np.argmax(np.abs(back.astype(int)))) - 6416) < 80  # 5 ms


@pytest.mark.parametrize("bad", ["size", "type", "sound"])
def test_encoding_refuses_what_it_cannot_write(pan, bad):
    frames, sound = pan, None
    if bad == "size":
        frames = pan[:, :127]
    if bad == "type":
        frames = pan.astype(np.float32)
    if bad == "sound":
        sound = np.zeros(100, np.int16)
    with pytest.raises(ValueError, match="must be"):
        encode_video(frames, sound)


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 48_000])
@pytest.mark.parametrize("layout", ["mono", "stereo"])
def test_any_rate_and_layout_becomes_16_khz_mono(tmp_path, rate, layout):
    path = write_media(
        tmp_path / "clip.mkv", TIMES, 10, click=1.0, audio_rate=rate, layout=layout, audio_codec="pcm_s16le"
    )
    sound = read_audio(path, 0.0, 50)
    assert sound.dtype == np.int16
    assert sound.shape == (32_000,)
    assert abs(np.argmax(np.abs(sound.astype(int)) > 5000) / 16_000 - 1.0) < 0.003


def test_sound_shorter_than_the_video_ends_in_silence(tmp_path):
    path = write_media(tmp_path / "clip.mkv", TIMES, 10, click=0.2, audio_seconds=0.5)
    sound = read_audio(path, 0.0, 50)
    assert not sound[20_000:].any()
    assert sound[:8000].any()


def test_missing_empty_text_and_truncated_files_fail_with_a_reason(tmp_path):
    with pytest.raises(ClipFailed, match="missing_file"):
        probe(tmp_path / "none.mp4")
    for name, content in (("empty.mp4", b""), ("text.mp4", b"not a video\n" * 50)):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ClipFailed, match="unreadable"):
            probe(tmp_path / name)
    whole = write_media(tmp_path / "whole.mp4", TIMES, 10, click=1.0).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ClipFailed, match="unreadable"):
        probe(tmp_path / "cut.mp4")


def flv_tags(content: bytes, kind: int) -> list[int]:
    """Places of the first content byte of all tags of a kind (8 sound, 9 picture), whose halves name the codec."""
    at, found = 13, []
    while at < len(content):
        if content[at] == kind:
            found.append(at + 11)
        at += 11 + int.from_bytes(content[at + 1 : at + 4], "big") + 4
    return found


def test_a_packet_of_a_track_that_is_none_is_damage(tmp_path):
    content = bytearray(write_media(tmp_path / "a.flv", TIMES, 10, click=1.0, codec="flv").read_bytes())
    # The last picture but one says that it is VP6: FFmpeg makes another track of it, after the file was opened.
    place = flv_tags(content, 9)[-2]
    content[place] = content[place] & 0xF0 | 4
    (tmp_path / "b.flv").write_bytes(content)
    with pytest.raises(ClipFailed, match="damaged: a packet in the middle of the file belongs to no track"):
        open_video(tmp_path / "b.flv")


@pytest.mark.parametrize(("kind", "shift", "track"), [(9, 0, "video"), (8, 4, "audio")])
def test_a_track_of_an_unknown_codec_is_unreadable(tmp_path, kind, shift, track):
    content = bytearray(write_media(tmp_path / "a.flv", TIMES, 10, click=1.0, codec="flv").read_bytes())
    for place in flv_tags(content, kind):
        content[place] = content[place] & (0xF0 >> shift) | 13 << shift
    (tmp_path / "b.flv").write_bytes(content)
    with pytest.raises(ClipFailed, match=f"unreadable: there is no decoder for the {track} track"):
        open_video(tmp_path / "b.flv")


@pytest.mark.parametrize("codec", ["flv", "libx264"])
def test_a_truncated_flv_never_passes_for_whole(tmp_path, codec):
    whole = write_media(tmp_path / "whole.flv", TIMES, 10, click=1.0, codec=codec).read_bytes()
    (tmp_path / "cut.flv").write_bytes(whole[: int(0.6 * len(whole))])
    try:
        video = open_video(tmp_path / "cut.flv")
        frames = sum(len(chunk) for chunk in video.chunks())
    except ClipFailed as failure:
        assert failure.reason == "damaged"
    else:
        assert frames == len(video.times) < 50


def test_clips_without_sound_or_picture_are_filtered(tmp_path):
    silent = write_media(tmp_path / "mute.mp4", TIMES, 10, click=None)
    assert probe(silent).audio_codec is None
    with pytest.raises(ClipFiltered, match="no_audio"):
        read_audio(silent, 0.0, 10)
    write_wav(tmp_path / "speech.wav", np.zeros(1600, np.int16))
    with pytest.raises(ClipFiltered, match="no_video"):
        probe(tmp_path / "speech.wav")


def test_wrong_wavs_are_refused_with_what_they_are(tmp_path):
    import wave

    with wave.open(str(tmp_path / "fast.wav"), "wb") as stream:
        stream.setnchannels(2)
        stream.setsampwidth(2)
        stream.setframerate(44_100)
        stream.writeframes(b"\0" * 400)
    with pytest.raises(UserError, match="44100 Hz, 2 channels"):
        read_wav(tmp_path / "fast.wav")
    samples = np.arange(-800, 800, dtype=np.int16)
    assert (read_wav(wav_bytes(samples)) == samples).all()


def test_loudness_of_known_sounds():
    assert loudest_frame_dbfs(np.zeros(6400, np.int16)) == float("-inf")
    assert loudest_frame_dbfs(np.full(6400, 16384, np.int16)) == pytest.approx(-6.02, abs=0.01)


def test_an_impulse_lights_its_frame():
    for at in range(0, 6400, 173):
        samples = np.zeros(6400, np.int16)
        samples[at] = 30_000
        columns = np.exp(log_filterbank(samples).astype(float)).sum(axis=1)
        assert columns.argmax() // 4 == at // 640, f"impulse at sample {at}"


def test_features_of_silence_are_finite_and_of_part_frames_refused():
    assert np.isfinite(log_filterbank(np.zeros(1280, np.int16))).all()
    assert log_filterbank(np.zeros(1280, np.int16)).shape == (8, 80)
    with pytest.raises(ValueError, match="640 n"):
        log_filterbank(np.zeros(1000, np.int16))


def test_real_clips_decode_whole(samples):
    paths = sorted([*samples.glob("video/grid/*"), *samples.glob("video/talking/*")])
    assert len(paths) >= 15
    for path in paths:
        if "1080x1920" in path.name:
            continue  # three seconds of decoding add nothing
        video = open_video(path)
        assert sum(len(chunk) for chunk in video.chunks()) == len(video.times)
        assert loudest_frame_dbfs(read_audio(path, float(video.times[0]), 25)) > -60


def test_the_hidden_start_of_an_edited_mp4_is_not_shown(samples):
    video = open_video(samples / "video/talking/astorfi_sample_video.mp4")
    assert len(video.times) == 209
    assert video.times[0] == pytest.approx(0.0)
    assert video.decoder == "pyav"


def test_speech_files_of_any_kind_load(samples):
    for path in samples.glob("audio/*.wav"):
        assert len(load_speech(path)) > 16_000
