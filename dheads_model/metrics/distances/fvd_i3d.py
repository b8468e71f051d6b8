"""FVD by the project's own I3D with a released state dict of piergiaj's layout, see networks/i3d.py."""

from dheads_model.metrics.fvd import fvd

WEIGHTS = "i3d_pretrained_400.pt"


def open_network(weights_folder, row):
    """Function from frames of a window to its logits."""
    from dheads_model.metrics.networks.i3d import clip_features, open_i3d

    network = open_i3d(weights_folder, row)
    return lambda frames: clip_features(network, frames)


DISTANCE = fvd(
    "i3d", "own I3D", "the project's own I3D with a released state dict of piergiaj's layout", WEIGHTS, 61, open_network
)
