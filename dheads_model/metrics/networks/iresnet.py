"""IResNet with ArcFace's weights (Deng et al. 2019): a face aligned by five points to an embedding of 512 numbers.

Module names are those of the state dicts that insightface releases (recognition/arcface_torch), and its packages hold the same
network as ONNX, of which `state_of_onnx` makes such a state dict. Its weights are for non-commercial research only.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from dheads_model.errors import UserError
from dheads_model.faces.align import similarity
from dheads_model.faces.landmarks import COUNT, LEFT_EYE, NOSE_TIP, RIGHT_EYE
from dheads_model.metrics.identity import Embed
from dheads_model.metrics.networks.onnx_tensors import read_onnx_tensors
from dheads_model.metrics.networks.strict import fill, read_state
from dheads_model.network.threads import one_thread
from dheads_model.weights import Weights

SIDE, FEATURES = 112, 512
BLOCKS = {50: (3, 4, 14, 3), 100: (3, 13, 30, 3)}
# Centres of the eyes, tip of the nose, corners of the mouth in a face of 112 x 112 pixels, from the left of the image.
TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
_MOUTH_CORNERS = (48, 54)
_EPSILON = 1e-5  # of batch normalisation


class _Block(nn.Module):
    """Normalised before the first convolution, and nothing after the sum."""

    def __init__(self, before: int, after: int, stride: int):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(before, _EPSILON), nn.Conv2d(before, after, 3, 1, 1, bias=False)
        self.bn2, self.prelu = nn.BatchNorm2d(after, _EPSILON), nn.PReLU(after)
        self.conv2, self.bn3 = nn.Conv2d(after, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after, _EPSILON)
        shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after, _EPSILON))
        self.downsample = shortcut if stride > 1 else None

    def forward(self, x: Tensor) -> Tensor:
        inner = self.prelu(self.bn2(self.conv1(self.bn1(x))))
        return self.bn3(self.conv2(inner)) + (x if self.downsample is None else self.downsample(x))


class IResNet(nn.Module):
    """Faces `[N, 3, 112, 112]` RGB of -1 .. 1 -> embeddings `[N, 512]`, not normalised. depth: 50 or 100."""

    def __init__(self, depth: int):
        super().__init__()
        self.conv1, self.bn1, self.prelu = nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.PReLU(64)
        before = 64
        for number, (after, count) in enumerate(zip((64, 128, 256, 512), BLOCKS[depth], strict=True), start=1):
            blocks = [_Block(before if block == 0 else after, after, 2 if block == 0 else 1) for block in range(count)]
            self.add_module(f"layer{number}", nn.Sequential(*blocks))
            before = after
        self.bn2 = nn.BatchNorm2d(512, _EPSILON)
        self.fc, self.features = nn.Linear(512 * 7 * 7, FEATURES), nn.BatchNorm1d(FEATURES, _EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        x = self.prelu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.features(self.fc(self.bn2(x).flatten(1)))


def convolutions(depth: int) -> list[tuple[str, str]]:
    """(convolution, normalisation behind it) of the network in the order of their use, names without `.weight`."""
    found = [("conv1", "bn1")]
    for layer, count in enumerate(BLOCKS[depth], start=1):
        for block in range(count):
            name = f"layer{layer}.{block}"
            found += [(f"{name}.conv1", f"{name}.bn2"), (f"{name}.conv2", f"{name}.bn3")]
            found += [(f"{name}.downsample.0", f"{name}.downsample.1")] if block == 0 else []
    return found


def slopes(depth: int) -> list[str]:
    """The parametric rectifiers in the order of their use."""
    counts = enumerate(BLOCKS[depth], start=1)
    return ["prelu", *(f"layer{layer}.{block}.prelu" for layer, count in counts for block in range(count))]


def state_of_onnx(tensors: Mapping[str, Tensor], depth: int, source: str) -> dict[str, Tensor]:
    """A state dict of IResNet from the tensors of an ONNX file of it, as PyTorch exports a network in evaluation mode.

    The export multiplies each normalisation into the convolution before it and gives numbers instead of names to what it
    computed: weights and biases of the convolutions, then the slopes of the rectifiers, each in the order of their use.
    The normalisations behind the convolutions add the biases here and do nothing else. Raises UserError where the number of
    tensors is another one; `fill` checks the rest.
    """
    state = {name: value for name, value in tensors.items() if not _number(name)}
    numbered = [
        value for _, value in sorted((int(_number(name)), value) for name, value in tensors.items() if _number(name))
    ]
    folded, curves = convolutions(depth), slopes(depth)
    if len(numbered) != 2 * len(folded) + len(curves):
        raise UserError(
            f"{source} does not fit an IResNet of depth {depth}: it has {len(numbered)} tensors of convolutions and rectifiers, "
            f"not {2 * len(folded) + len(curves)}; give the file that config/weights.tsv names."
        )
    for (convolution, normalisation), weight, bias in zip(
        folded, numbered[: 2 * len(folded) : 2], numbered[1 : 2 * len(folded) : 2], strict=True
    ):
        state[f"{convolution}.weight"], state[f"{normalisation}.bias"] = weight, bias
        state[f"{normalisation}.weight"] = torch.ones_like(bias)
        state[f"{normalisation}.running_mean"] = torch.zeros_like(bias)
        state[f"{normalisation}.running_var"] = torch.full_like(bias, 1 - _EPSILON)
    return state | {
        f"{name}.weight": slope.flatten() for name, slope in zip(curves, numbered[2 * len(folded) :], strict=True)
    }


def _number(name: str) -> str:
    """Digits of a tensor without a name of its own, as 685 or onnx::Conv_685; "" for others."""
    found = re.fullmatch(r"(?:onnx::\w+_)?(\d+)", name)
    return found[1] if found else ""


def open_iresnet(folder: Path | str, weights: Weights, depth: int) -> IResNet:
    """The network with the weights in `folder`, a state dict or, by its name, an ONNX file; UserError for missing or other ones."""
    path = Path(folder, weights.name)
    if path.suffix == ".onnx":
        return fill(IResNet(depth), state_of_onnx(read_onnx_tensors(path, weights), depth, weights.name), weights.name)
    return fill(IResNet(depth), read_state(path, weights), weights.name)


def align_face(frame: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Face uint8 RGB `[112, 112, 3]` of a frame uint8 RGB `[H, W, 3]` with landmarks `[68, 2]`, as insightface aligns it."""
    if landmarks.shape != (COUNT, 2):
        raise UserError(f"ArcFace aligns a face by {COUNT} landmarks, [{COUNT}, 2], not {list(landmarks.shape)}.")
    eyes = [landmarks[eye].mean(axis=0) for eye in (RIGHT_EYE, LEFT_EYE)]
    points = np.array([*eyes, landmarks[NOSE_TIP], *landmarks[list(_MOUTH_CORNERS)]], dtype=np.float64)
    return cv2.warpAffine(frame, similarity(points, TEMPLATE), (SIDE, SIDE), flags=cv2.INTER_LINEAR)


def open_arcface(folder: Path | str, weights: Weights, depth: int) -> Embed:
    """The embedder, embeddings float32 `[512]` of length 1; raises UserError where the file is missing or another one."""
    network = open_iresnet(folder, weights, depth)

    def embed(frame: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        face = torch.from_numpy(align_face(frame, landmarks)).permute(2, 0, 1)[None].float()
        with one_thread(), torch.inference_mode():
            found = network((face - 127.5) / 127.5)[0]
        return (found / found.norm()).numpy()

    return embed
