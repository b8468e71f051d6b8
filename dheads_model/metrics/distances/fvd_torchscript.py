"""FVD by the TorchScript I3D of StyleGAN-V, which the paper's tool uses, see networks/i3d.py."""

from dheads_model.metrics.fvd import fvd

WEIGHTS = "i3d_torchscript.pt"


def open_network(weights_folder, row):
    """Function from frames of a window to its logits."""
    from dheads_model.metrics.networks.i3d import open_i3d_script, script_features

    network = open_i3d_script(weights_folder, row)
    return lambda frames: script_features(network, frames)


DISTANCE = fvd(
    "torchscript",
    "TorchScript",
    "the TorchScript I3D of StyleGAN-V, which the paper's tool uses",
    WEIGHTS,
    60,
    open_network,
)
