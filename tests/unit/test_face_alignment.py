"""The face-alignment back end with networks of the right shapes and random weights, from local files."""

import shutil

import numpy as np
import pytest

from dheads_model.errors import UserError
from dheads_model.faces import face_alignment_network
from dheads_model.faces.detect import open_detector
from dheads_model.files import sha256_of
from dheads_model.weights import Weights


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Weights of both networks at random, and their table."""
    import torch
    from face_alignment.detection.sfd.net_s3fd import s3fd
    from face_alignment.models.fan import FAN

    torch.set_num_threads(1)
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("weights")
    networks = {face_alignment_network.LANDMARK_WEIGHTS: FAN(4), face_alignment_network.DETECTOR_WEIGHTS: s3fd()}
    table = {}
    for name, network in networks.items():
        torch.save(network.state_dict(), folder / name)
        table[name] = Weights(name, None, sha256_of(folder / name)[:10], "nowhere", "none")
    return folder, table


@pytest.mark.slow
def test_many_boxes_in_one_pass_give_what_the_library_gives_one_by_one(files):
    folder, table = files
    network = face_alignment_network.load_networks(*(folder / name for name in table))
    generator = np.random.default_rng(0)
    frames = generator.integers(0, 255, (3, 96, 120, 3), np.uint8)
    boxes = [np.array(box, float) for box in ([20, 20, 70, 70], [5, 10, 60, 80], [30, 0, 119, 95])]
    pairs = [(frames[number % 3], boxes[number % 3]) for number in range(10)]
    one_by_one = [network.get_landmarks_from_image(frame, detected_faces=[box])[0] for frame, box in pairs[:3]]
    together = face_alignment_network.find_landmarks(network, pairs)
    assert len(together) == len(pairs)
    for number, found in enumerate(together):
        np.testing.assert_allclose(found, one_by_one[number % 3], atol=1e-3)
    alone = [box for frame in frames for box in face_alignment_network.find_boxes(network, frame[None])]
    for one, other in zip(alone, face_alignment_network.find_boxes(network, frames), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)
    with pytest.raises(UserError, match=r"track\.precision is 'half'"):
        open_detector("face-alignment", 1, folder, "half")


@pytest.mark.slow
def test_networks_load_from_verified_local_files_only(files, tmp_path, monkeypatch):
    folder, table = files
    for name in table:
        shutil.copy(folder / name, tmp_path)
    monkeypatch.setattr(face_alignment_network, "read_weights_table", lambda: table)
    network = face_alignment_network.load_networks(*(tmp_path / name for name in table))
    landmarks = network.get_landmarks_from_image(
        np.zeros((96, 96, 3), np.uint8), detected_faces=[[20, 20, 70, 70, 0.9]]
    )
    assert np.asarray(landmarks[0]).shape == (68, 2)
    assert callable(open_detector("face-alignment", 1, tmp_path))
    with open(tmp_path / face_alignment_network.DETECTOR_WEIGHTS, "ab") as stream:
        stream.write(b"!")
    with pytest.raises(UserError, match="size or sha256 differ"):
        open_detector("face-alignment", 1, tmp_path)
