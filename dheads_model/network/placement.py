"""A model made ready to sample on a device."""

import torch

from dheads_model.network.talking_model import TalkingModel


def place_for_sampling(model: TalkingModel, device: torch.device, compiled: bool = False) -> TalkingModel:
    """The model itself, on the device, in the arithmetic and memory layout that make a pass fast there.

    On CUDA the network computes in bfloat16. Channels go last on a CPU, where small networks gain a fifth by it, and on
    CUDA when compiled; not otherwise, because CUDA's own group normalisation puts them first again. compiled: a pass
    becomes few kernels (torch.compile), on CUDA replayed as one graph; this takes minutes at the first frame, and again
    for each other number of frames at once.
    """
    cuda = device.type == "cuda"
    model = model.to(device)
    if cuda:
        model.precision = torch.bfloat16
    if compiled or not cuda:
        model.unet.to(memory_format=torch.channels_last)
    if compiled:
        # The number of frames at once changes with guidance only, so each gets a program of its own.
        model.unet.step = torch.compile(
            model.unet.step, mode="reduce-overhead" if cuda else "default", dynamic=False, fullgraph=True
        )
    return model
