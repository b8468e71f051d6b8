"""Device, precision and memory layout of a model for sampling and for training."""

import torch
from torch import Tensor, nn

from dheads_model.network.talking_model import TalkingModel
from dheads_model.network.unet import FrameConditions


def place_for_sampling(model: TalkingModel, device: torch.device, compiled: bool = False) -> TalkingModel:
    """The model itself, on the device, with the precision and memory layout that are fast there.

    On CUDA the network computes in bfloat16, and its matrices are stored in bfloat16; otherwise each network evaluation
    would convert them. Channels are last on a CPU, where small networks are a fifth faster with it, and on CUDA when
    compiled; not otherwise, because CUDA's own group normalisation would convert to channels first. compiled: a network
    evaluation is compiled to few kernels (torch.compile), on CUDA replayed as one graph; this takes minutes at the first
    frame, and again for each other batch size.
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
        # The batch size changes with guidance only, so each size is compiled separately.
        model.unet.step = torch.compile(
            model.unet.step, mode="reduce-overhead" if cuda else "default", dynamic=False, fullgraph=True
        )
    return model


def compile_for_training(model: TalkingModel) -> None:
    """Compile the network evaluations that need gradients, on a GPU; others, of other batch sizes, are not compiled."""
    model.unet.to(memory_format=torch.channels_last)
    plain = model.unet.step
    compiled = torch.compile(plain, dynamic=False, fullgraph=True)

    def step(x: Tensor, time: Tensor, conditions: FrameConditions) -> Tensor:
        return (compiled if torch.is_grad_enabled() else plain)(x, time, conditions)

    model.unet.step = step
