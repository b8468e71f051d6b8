"""The tiny network whose weights and numbers the published code gave."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from dheads_model.network.talking_model import TalkingModel
from dheads_model.published.unet_weights import load_published, published_settings
from tests.factories.settings import plain_diffusion
from tests.gpu import needs_gpu


@pytest.fixture(autouse=True)
def one_thread():
    """One thread: several on a shared machine are slower than one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=needs_gpu)])
def device(request, monkeypatch):
    """Where to calculate; on a GPU without TF32, which keeps 10 bits of a number."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    return torch.device(request.param)


@pytest.fixture
def numbers(golden):
    """numbers(name) -> the arrays of a file of reference numbers."""

    def read(name: str) -> dict[str, np.ndarray]:
        with np.load(golden / f"{name}.npz", allow_pickle=False) as stored:
            return dict(stored)

    return read


@pytest.fixture
def published_state(golden):
    """published_state(rgb) -> the weights under their published names, float32."""

    def read(rgb: bool) -> dict[str, torch.Tensor]:
        state = load_file(golden / "unet_tiny.safetensors")
        if rgb:  # holds only the first convolution, the one tensor that differs
            state |= load_file(golden / "unet_tiny_rgb.safetensors")
        return {name: tensor.float() for name, tensor in state.items()}

    return read


@pytest.fixture
def published_model(published_state):
    """published_model(rgb) -> the tiny network in DDPM form, fed with audio embeddings."""

    def read(rgb: bool) -> TalkingModel:
        state = published_state(rgb)
        model = TalkingModel(
            published_settings(state, image_size=32, head_channels=32), plain_diffusion(parameterization="ddpm")
        )
        load_published(model.unet, state)
        return model.eval()

    return read
