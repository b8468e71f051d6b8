"""Memory stays bounded whatever the size of a clip's pictures."""

import os
import subprocess
import sys

import numpy as np
import pytest

from dheads_model.errors import ClipFailed, ClipFiltered
from dheads_model.faces import face_alignment_network, key_frames
from dheads_model.media import container, video
from dheads_model.media.container import probe
from dheads_model.media.video import decode_video, open_video
from tests.factories.faces import Moving
from tests.media_fixtures import write_media
from tests.workflow import ROOT

TIMES = [number / 25 for number in range(12)]


def test_pictures_that_are_too_large_filter_the_clip_before_any_is_decoded(tmp_path, monkeypatch):
    path = write_media(tmp_path / "large.mp4", TIMES, 3, click=0.1, size=(240, 320))
    monkeypatch.setattr(container, "MOST_PIXELS", 320 * 240)
    assert probe(path).width == 320
    monkeypatch.setattr(container, "MOST_PIXELS", 320 * 240 - 1)
    for reads in (probe, open_video, decode_video):
        with pytest.raises(ClipFiltered, match=r"too_large: 320 x 240 pixels, .* save it smaller"):
            reads(path)


def test_pictures_that_grow_beyond_it_on_the_way_stop_the_decoder(tmp_path, monkeypatch):
    parts = [
        write_media(tmp_path / f"{width}.ts", TIMES, 3, click=None, size=(3 * width // 4, width))
        for width in (160, 640)
    ]
    (tmp_path / "both.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    with pytest.raises(ClipFailed, match="size changes"):
        decode_video(tmp_path / "both.ts")
    monkeypatch.setattr(container, "MOST_PIXELS", 320 * 240)
    with pytest.raises(ClipFailed, match="decoding stops"):
        decode_video(tmp_path / "both.ts")


def test_large_pictures_are_left_to_the_decoder_that_holds_few(tmp_path, monkeypatch):
    path = write_media(tmp_path / "large.mp4", TIMES, 3, click=0.1, size=(240, 320))
    plain = np.concatenate(list(open_video(path).chunks()))
    assert open_video(path).decoder == "decord"
    monkeypatch.setattr(video, "_LARGEST_IMAGE_FOR_DECORD", 320 * 240 - 1)
    reader = open_video(path)
    assert reader.decoder == "pyav"
    assert np.abs(np.concatenate(list(reader.chunks())).astype(int) - plain).mean() < 1


PEAK = """
import sys
from dheads_model.media.video import open_video
frames = sum(len(chunk) for chunk in open_video(sys.argv[1]).chunks())
# Not getrusage, whose peak is also that of the process that started this one.
print(frames, next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def test_the_peak_of_reading_4k(tmp_path):
    path = write_media(tmp_path / "4k.mp4", TIMES, 3, click=0.1, size=(2160, 3840), codec="mpeg4")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", PEAK, str(path)], env=environment, text=True, capture_output=True)
    frames, mib = map(int, done.stdout.split())
    assert frames == len(TIMES)
    assert mib < 330, "241 were measured, 436 with decord"


@pytest.mark.parametrize("count", [1, 8, 9, 17, 40])
def test_blocks_of_large_frames_are_small_and_change_nothing(count, monkeypatch):
    whole = Moving()
    expected = whole.detect(count)
    monkeypatch.setattr(key_frames, "_BLOCK_BYTES", 9 * 4 * 4 * 3 * 8)  # frames of Moving are float64 [4, 4, 3]
    small = Moving()
    found = small.detect(count)
    assert [face[0].tolist() for face in found] == [face[0].tolist() for face in expected]
    assert max(small.batches) <= 8
    assert set(small.looked) == set(whole.looked)


def test_the_detector_looks_at_large_frames_shrunk(monkeypatch):
    class Network:
        device = "cpu"

        class face_detector:
            @staticmethod
            def detect_from_batch(batch):
                seen.append(tuple(batch.shape))
                # A box around the bright part of each frame.
                boxes = []
                for frame in batch.numpy():
                    rows, columns = np.nonzero(frame[0] > 128)
                    box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1, 0.9]
                    boxes.append([np.array(box, float)])
                return boxes

    frames = np.zeros((3, 1440, 2560, 3), np.uint8)
    frames[:, 400:800, 1000:1400] = 255
    seen = []
    for found in face_alignment_network.find_boxes(Network, frames):
        np.testing.assert_allclose(found, [[1000, 400, 1400, 800]], atol=2.1)
    assert all(shape[2] * shape[3] <= 1280 * 720 for shape in seen) and sum(shape[0] for shape in seen) == 3
    seen.clear()
    np.testing.assert_array_equal(
        face_alignment_network.find_boxes(Network, frames[:1, 300:900, 900:1500])[0], [[100, 100, 500, 500]]
    )
    assert seen == [(1, 3, 600, 600)]
