"""A model made ready for a device: to sample there, or to be trained."""

import torch
from torch import Tensor, nn

from dheads_model.network.talking_model import TalkingModel
from dheads_model.network.unet import FrameConditions


def place_for_sampling(model: TalkingModel, device: torch.device, compiled: bool = False) -> TalkingModel:
    """The model itself, on the device, in the arithmetic and memory layout that make a pass fast there.

    On CUDA the network computes in bfloat16, and its matrices are stored so: else each pass would convert them anew.
    Channels go last on a CPU, where small networks gain a fifth by it, and on
    CUDA when compiled; not otherwise, because CUDA's own group normalisation puts them first again. compiled: a pass
    becomes few kernels (torch.compile), on CUDA replayed as one graph; this takes minutes at the first frame, and again
    for each other number of frames at once.
    """
    cuda = device.type == "cuda"
    model = model.to(device)
    if cuda:
        model.precision = torch.bfloat16
        for layer in model.unet.modules():
            if isinstance(layer, (nn.Conv1d, nn.Conv2d, nn.Linear)):
                layer.to(torch.bfloat16)
    if compiled or not cuda:
        model.unet.to(memory_format=torch.channels_last)
    if compiled:
        # The number of frames at once changes with guidance only, so each gets a program of its own.
        model.unet.step = torch.compile(
            model.unet.step, mode="reduce-overhead" if cuda else "default", dynamic=False, fullgraph=True
        )
    return model


def compile_for_training(model: TalkingModel) -> None:
    """Compile the passes of a model on a GPU that learn into few kernels; others, of other sizes, stay as they are."""
    model.unet.to(memory_format=torch.channels_last)
    plain = model.unet.step
    compiled = torch.compile(plain, dynamic=False, fullgraph=True)

    def step(x: Tensor, time: Tensor, conditions: FrameConditions) -> Tensor:
        return (compiled if torch.is_grad_enabled() else plain)(x, time, conditions)

    model.unet.step = step
