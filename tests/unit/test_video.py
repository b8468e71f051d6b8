"""Decoding shows each frame at its own time, in whatever container, and never passes a damaged file for a whole one."""

import hashlib
import struct

import av
import numpy as np
import pytest
from skimage.data import astronaut

from dheads_model.errors import ClipFailed
from dheads_model.media import decoders, encode, video
from dheads_model.media.container import probe
from dheads_model.media.encode import encode_video
from dheads_model.media.video import chosen_frames, decode_video, open_video
from tests.factories.media import COUNT, numbered, write_numbered
from tests.media_fixtures import write_media


def numbers_of(frames):
    return [sum(int(frame[4:12, b * 16 + 4 : b * 16 + 12].mean() > 128) << b for b in range(8)) for frame in frames]


def shown(path):
    opened = open_video(path)
    return opened, numbers_of(np.concatenate(list(opened.chunks())))


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.mp4", "libx264", {}),
        ("b.mp4", "libx264", {"g": "12"}),
        ("c.mkv", "libx264", {"g": "12"}),
        ("d.flv", "flv", {}),
        ("e.avi", "mpeg4", {}),
        ("f.mpg", "mpeg1video", {"bf": "2"}),
        ("g.mpg", "mpeg2video", {}),
        ("h.ts", "libx264", {"g": "12"}),
        ("i.webm", "libvpx", {"b": "500k"}),
        ("j.mov", "mpeg4", {}),
        ("k.mkv", "libx265", {}),
        ("l.wmv", "wmv2", {}),
    ],
)
def test_every_frame_is_shown_at_its_time(tmp_path, name, codec, options):
    opened, numbers = shown(write_numbered(tmp_path / name, codec, options))
    assert numbers == list(range(COUNT))
    assert np.round((opened.times - opened.times[0]) * 25).astype(int).tolist() == numbers


@pytest.mark.parametrize("name", ["cut.mp4", "cut.mkv", "cut.ts"])
def test_a_file_that_begins_between_key_frames_keeps_numbers_and_times_together(tmp_path, name):
    # x264 with an open start: the first packets that can be decoded belong to the second group of twelve.
    options = {"g": "12", "bf": "0"}
    whole = open_video(write_numbered(tmp_path / ("whole" + name[3:]), "libx264", options)).times
    opened, numbers = shown(write_numbered(tmp_path / name, "libx264", options, keep=lambda place: place >= 3))
    assert opened.decoder == "pyav"
    assert np.round((opened.times - opened.times[0]) * 25).astype(int).tolist() == [n - numbers[0] for n in numbers]
    if name != "cut.ts":  # its muxer sets its own start
        assert opened.times[0] == pytest.approx(whole[numbers[0]], abs=0.002)


def test_real_mpg_clips_begin_with_their_first_frame(samples):
    # decord shows frame 12 of these first and the last one thirteen times.
    for path in sorted(samples.glob("video/grid/*.mpg"))[:3]:
        frames = np.concatenate(list(open_video(path).chunks()))
        assert (frames == decode_video(path)).all(), path.name


def test_decord_and_pyav_show_the_same_real_frames(samples):
    path = samples / "video/negative/short_hamilton_clip.mp4"
    opened = open_video(path)
    assert opened.decoder == "decord"
    first = next(opened.chunks())
    with av.open(str(path)) as container:
        for picture, frame in zip(first, container.decode(video=0), strict=False):
            assert np.abs(picture.astype(int) - frame.to_ndarray(format="rgb24")).mean() < 0.5


def test_pyav_takes_over_where_decord_stops(tmp_path, monkeypatch):
    path = write_numbered(tmp_path / "a.mp4", "libx264")
    real = video.decord_chunks

    def stops(path, chunk_frames, count, first):
        chunks = real(path, 16, count, first)
        yield next(chunks)
        raise ClipFailed("damaged", "a packet that only the newer decoder understands")

    monkeypatch.setattr(video, "decord_chunks", stops)
    opened, numbers = shown(path)
    assert numbers == list(range(COUNT))
    assert opened.decoder == "pyav"


def test_pyav_serves_where_decord_disagrees(tmp_path):
    opened = open_video(write_numbered(tmp_path / "a.mp4", "libx264"))
    with pytest.raises(ClipFailed, match="decord counts 60 frames, there are 59 packets"):
        next(video.decord_chunks(opened.path, 16, COUNT - 1, opened.first))
    opened.first = 255 - opened.first
    assert numbers_of(np.concatenate(list(opened.chunks()))) == list(range(COUNT))
    assert opened.decoder == "pyav"


@pytest.mark.parametrize(("name", "codec"), [("a.mpg", "mpeg1video"), ("a.ts", "libx264"), ("a.wmv", "wmv2")])
def test_files_without_an_index_are_not_given_to_decord(tmp_path, name, codec):
    # A still beginning would hide that it starts late.
    assert open_video(write_numbered(tmp_path / name, codec)).decoder == "pyav"


def test_a_large_file_is_not_given_to_decord_which_would_hold_it_in_memory(tmp_path, monkeypatch):
    path = write_numbered(tmp_path / "a.mp4", "libx264")
    assert open_video(path).decoder == "decord"
    monkeypatch.setattr(video, "_LARGEST_FOR_DECORD", path.stat().st_size - 1)
    assert open_video(path).decoder == "pyav"


@pytest.mark.parametrize(("name", "codec"), [("a.flv", "flv"), ("b.flv", "libx264"), ("c.mkv", "libx264")])
def test_a_file_cut_short_is_damaged(tmp_path, name, codec):
    whole = write_numbered(tmp_path / name, codec).read_bytes()
    (tmp_path / f"cut_{name}").write_bytes(whole[: int(0.6 * len(whole))])
    with pytest.raises(ClipFailed, match="damaged: the file is cut short"):
        open_video(tmp_path / f"cut_{name}")


def test_an_mp4_whose_pictures_are_cut_off_is_damaged(tmp_path):
    # With the index in front the file still opens and promises all its frames.
    path = tmp_path / "fast.mp4"
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = 96, 128, "yuv420p"
        for picture in numbered():
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode(None))
    path.write_bytes(path.read_bytes()[: int(0.6 * path.stat().st_size)])
    with pytest.raises(ClipFailed, match="damaged"):
        shown(path)


def test_the_damaged_real_clip_is_damaged(samples):
    with pytest.raises(ClipFailed, match="damaged"):
        shown(samples / "video/negative/corrupted.mp4")


def test_other_negative_clips_decode(samples):
    for name, start in (("short_hamilton_clip.mp4", 0.852), ("grid_aligned_96x128_noaudio.mp4", 0.0)):
        opened = open_video(samples / "video/negative" / name)
        assert opened.times[0] == pytest.approx(start, abs=0.001)
        assert sum(len(chunk) for chunk in opened.chunks()) == len(opened.times)


@pytest.mark.parametrize(("degrees", "corner"), [(90, (0, -1)), (180, (-1, -1)), (270, (-1, 0))])
def test_a_recording_held_sideways_is_shown_upright(tmp_path, degrees, corner):
    """degrees: how far a player must turn the picture clockwise; corner: where the stored top left then lies."""
    frames = np.zeros((5, 64, 96, 3), np.uint8)
    frames[:, :16, :16] = 255
    path = tmp_path / "phone.mp4"
    path.write_bytes(turned(encode_video(frames), degrees))
    opened = open_video(path)
    first = next(opened.chunks())[0]
    assert first.shape == ((64, 96, 3) if degrees == 180 else (96, 64, 3))
    assert (opened.facts.height, opened.facts.width) == first.shape[:2]
    bright = {(y, x) for y in (0, -1) for x in (0, -1) if first[y, x].mean() > 128}
    assert bright == {corner}


def turned(content: bytes, degrees: int) -> bytes:
    """The mp4 with the track's display matrix asking for a clockwise turn."""
    matrix = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}[degrees]
    place = content.index(b"tkhd") + 44
    assert struct.unpack(">i", content[place : place + 4]) == (1 << 16,)
    a, b, c, d = (value << 16 for value in matrix)
    return content[:place] + struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30) + content[place + 36 :]


def test_odd_sizes_three_frames_and_names_with_colons_decode(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with av.open("file:12:30 take.mp4", "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.height, stream.width, stream.pix_fmt = 97, 131, "yuv420p"
        for number in range(3):
            picture = np.full((97, 131, 3), 40 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode(None))
    opened = open_video("12:30 take.mp4")
    frames = np.concatenate(list(opened.chunks()))
    assert frames.shape == (3, 97, 131, 3)
    assert frames.mean(axis=(1, 2, 3)) == pytest.approx([0, 40, 80], abs=3)
    assert opened.end == pytest.approx(0.12)


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "libx264"), ("b.mpg", "mpeg1video"), ("c.flv", "flv")])
def test_chosen_frames_are_those_of_the_reader(tmp_path, name, codec):
    path = write_numbered(tmp_path / name, codec)
    frames = np.concatenate(list(open_video(path).chunks()))
    numbers = np.array([2, 2, 2, 7, 8, 40, 57])
    found = list(chosen_frames(path, numbers, COUNT))
    assert numbers_of(found) == numbers.tolist()
    # Both decoders give the same picture, up to the rounding of their colour conversion.
    assert np.abs(np.stack(found).astype(int) - frames[numbers]).max() <= 1


def test_colours_are_converted_only_of_chosen_frames(tmp_path, monkeypatch):
    path = write_numbered(tmp_path / "a.mp4", "libx264")
    converted, real = [], video.upright_image
    monkeypatch.setattr(video, "upright_image", lambda frame: converted.append(1) or real(frame))
    assert len(list(chosen_frames(path, np.array([5, 5, 9]), COUNT))) == 3
    assert len(converted) == 2


@pytest.mark.parametrize(
    ("count", "message"), [(COUNT + 1, f"{COUNT} of the {COUNT + 1} frames"), (COUNT - 1, f"more than the {COUNT - 1}")]
)
def test_chosen_frames_refuse_a_video_of_another_length(tmp_path, count, message):
    # One frame more or less on the way would give every frame after it another's number.
    path = write_numbered(tmp_path / "a.mp4", "libx264")
    with pytest.raises(ClipFailed, match=f"damaged: {message}"):
        list(chosen_frames(path, np.array([3, 4]), count))


@pytest.mark.parametrize("numbers", [[4, 3], [-1, 3], [3, COUNT]])
def test_chosen_frames_refuse_numbers_that_are_none(tmp_path, numbers):
    with pytest.raises(ValueError, match=f"ascend from 0 on and stay below {COUNT}"):
        list(chosen_frames(write_numbered(tmp_path / "a.mp4", "libx264"), np.array(numbers), COUNT))


def test_chosen_frames_of_the_damaged_real_clip_are_damaged(samples):
    with pytest.raises(ClipFailed, match="damaged"):
        list(chosen_frames(samples / "video/negative/corrupted.mp4", np.array([0]), 1000))


@pytest.mark.parametrize("name", ["variable.mkv", "variable.ts"])
def test_times_are_the_same_before_and_after_decoding_without_an_index(tmp_path, monkeypatch, name):
    stamps = 0.2 + np.cumsum(np.random.default_rng(3).integers(20, 60, 40)) / 1000
    path = write_media(tmp_path / name, list(stamps), 10, click=None)
    monkeypatch.setattr(video, "_LARGEST_FOR_DECORD", 0)
    asked, decoded = open_video(path), open_video(path)
    np.testing.assert_allclose(np.diff(asked.times), np.diff(stamps), atol=0.0011)
    assert sum(len(chunk) for chunk in decoded.chunks()) == len(stamps)
    monkeypatch.setattr(video, "pyav_frames", lambda path: pytest.fail("the file is decoded once more"))
    np.testing.assert_array_equal(decoded.times, asked.times)
    assert decoded.end == asked.end == pytest.approx(asked.times[-1] + np.median(np.diff(stamps)), abs=0.0011)


def test_frames_without_time_stamps_are_damaged(tmp_path, monkeypatch):
    path = write_numbered(tmp_path / "a.ts", "libx264")
    real = decoders.pyav_frames

    def timeless(path):
        for frame in real(path):
            frame.pts = None
            yield frame

    for module in (video, decoders):
        monkeypatch.setattr(module, "pyav_frames", timeless)
    for ask in (lambda opened: opened.times, lambda opened: list(opened.chunks())):
        with pytest.raises(ClipFailed, match="damaged: frames carry no time stamps"):
            ask(open_video(path))


def test_chunks_are_small(tmp_path, monkeypatch):
    path = write_numbered(tmp_path / "a.mp4", "libx264")
    monkeypatch.setattr(video, "_CHUNK_BYTES", 10 * 96 * 128 * 3)
    assert {len(chunk) for chunk in open_video(path).chunks()} == {10}


def test_facts_of_a_real_clip(samples):
    facts = probe(samples / "video/talking/astorfi_sample_video.mp4")
    assert (facts.width, facts.height, facts.video_codec, facts.audio_codec) == (480, 360, "h264", "aac")
    assert (facts.audio_rate, facts.audio_channels) == (44_100, 2)
    assert facts.fps == pytest.approx(29.97, abs=0.01)
    assert facts.duration == pytest.approx(6.97, abs=0.02)


def test_encoding_gives_the_same_bytes_without_the_processors_vector_units(monkeypatch):
    picture = astronaut()
    pan = np.stack([picture[i // 2 : i // 2 + 128, 100 + i : 228 + i] for i in range(40)])
    usual = hashlib.sha256(encode_video(pan)).hexdigest()
    monkeypatch.setattr(encode, "_X264_PARAMETERS", encode._X264_PARAMETERS + ":asm=0")
    assert hashlib.sha256(encode_video(pan)).hexdigest() == usual
