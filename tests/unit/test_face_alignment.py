"""The face-alignment back end with networks of the right shapes and random weights, from local files."""

import numpy as np
import pytest

from dheads_model.errors import UserError
from dheads_model.faces import face_alignment_network
from dheads_model.faces.detect import open_detector
from dheads_model.files import sha256_of
from dheads_model.weights import Weights


@pytest.mark.slow
def test_networks_load_from_verified_local_files_only(tmp_path, monkeypatch):
    import torch
    from face_alignment.detection.sfd.net_s3fd import s3fd
    from face_alignment.models.fan import FAN

    torch.set_num_threads(1)
    torch.manual_seed(0)
    networks = {face_alignment_network.LANDMARK_WEIGHTS: FAN(4), face_alignment_network.DETECTOR_WEIGHTS: s3fd()}
    table = {}
    for name, network in networks.items():
        torch.save(network.state_dict(), tmp_path / name)
        table[name] = Weights(name, None, sha256_of(tmp_path / name)[:10], "nowhere", "none")
    monkeypatch.setattr(face_alignment_network, "read_weights_table", lambda _: table)
    network = face_alignment_network.load_networks(*(tmp_path / name for name in networks))
    landmarks = network.get_landmarks_from_image(
        np.zeros((96, 96, 3), np.uint8), detected_faces=[[20, 20, 70, 70, 0.9]]
    )
    assert np.asarray(landmarks[0]).shape == (68, 2)
    assert callable(open_detector("face-alignment", 1, tmp_path))
    with open(tmp_path / face_alignment_network.DETECTOR_WEIGHTS, "ab") as stream:
        stream.write(b"!")
    with pytest.raises(UserError, match="size or sha256 differ"):
        open_detector("face-alignment", 1, tmp_path)
