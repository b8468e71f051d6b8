"""ArcFace: IResNet against a restatement, its two kinds of files, the alignment, and its columns."""

import hashlib
import struct
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from dheads_model import weights as weights_module
from dheads_model.configuration import default_config
from dheads_model.errors import UserError
from dheads_model.metrics.clip import measure_clip
from dheads_model.metrics.identity import IDENTITY_METRICS
from dheads_model.metrics.measurement import NOT_COMPUTED
from dheads_model.metrics.networks.iresnet import (
    BLOCKS,
    TEMPLATE,
    IResNet,
    align_face,
    convolutions,
    open_arcface,
    open_iresnet,
    slopes,
    state_of_onnx,
)
from dheads_model.metrics.networks.onnx_tensors import read_onnx_tensors
from dheads_model.metrics.networks.strict import fill
from dheads_model.metrics.per_clip import arcface_r50, arcface_r100
from dheads_model.metrics.registry import requested_metrics
from dheads_model.weights import Weights, read_weights_table
from tests.factories.faces import landmarks
from tests.oracles import deterministic, oracle

NORMALISED = ("weight", "bias", "running_mean", "running_var")
# A shallow network of the same kind: the released depths are too slow for a test, and their names are tested without numbers.
SMALL = 10


def released_shapes(depth: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of insightface's state dicts without batch counters."""
    shapes = {"conv1.weight": (64, 3, 3, 3), "prelu.weight": (64,), "fc.weight": (512, 25088), "fc.bias": (512,)}
    norms = {"bn1": 64, "bn2": 512, "features": 512}
    before = 64
    for layer, (channels, count) in enumerate(zip((64, 128, 256, 512), BLOCKS[depth], strict=True), start=1):
        for block in range(count):
            name = f"layer{layer}.{block}"
            shapes |= {f"{name}.conv1.weight": (channels, before, 3, 3), f"{name}.prelu.weight": (channels,)}
            shapes[f"{name}.conv2.weight"] = (channels, channels, 3, 3)
            norms |= {f"{name}.bn1": before, f"{name}.bn2": channels, f"{name}.bn3": channels}
            if block == 0:
                shapes[f"{name}.downsample.0.weight"] = (channels, before, 1, 1)
                norms[f"{name}.downsample.1"] = channels
            before = channels
    return shapes | {f"{name}.{part}": (size,) for name, size in norms.items() for part in NORMALISED}


def restated(state: dict, x: torch.Tensor, depth: int) -> torch.Tensor:
    """The published network by functions alone."""

    def normalise(x, name):
        mean, variance, weight, bias = (
            state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        shape = (1, -1) + (1,) * (x.dim() - 2)
        scale = weight / torch.sqrt(variance + 1e-5)
        return x * scale.view(shape) + (bias - mean * scale).view(shape)

    def rectify(x, name):
        return torch.where(x > 0, x, x * state[f"{name}.weight"].view(1, -1, 1, 1))

    x = rectify(normalise(F.conv2d(x, state["conv1.weight"], padding=1), "bn1"), "prelu")
    for layer in range(1, 5):
        for block in range(BLOCKS[depth][layer - 1]):
            name, stride = f"layer{layer}.{block}", 2 if block == 0 else 1
            inner = F.conv2d(normalise(x, f"{name}.bn1"), state[f"{name}.conv1.weight"], padding=1)
            inner = rectify(normalise(inner, f"{name}.bn2"), f"{name}.prelu")
            inner = normalise(F.conv2d(inner, state[f"{name}.conv2.weight"], stride=stride, padding=1), f"{name}.bn3")
            if block == 0:
                x = F.conv2d(x, state[f"{name}.downsample.0.weight"], stride=2)
                x = normalise(x, f"{name}.downsample.1")
            x = x + inner
    x = F.linear(normalise(x, "bn2").reshape(len(x), -1), state["fc.weight"], state["fc.bias"])
    return normalise(x, "features")


@pytest.fixture(scope="module", autouse=True)
def shallow():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BLOCKS, SMALL, (1, 2, 1, 1))
        yield


@pytest.fixture(scope="module")
def given(shallow) -> dict[str, torch.Tensor]:
    """A state dict with deterministic weights."""
    return deterministic(IResNet(SMALL).state_dict())


def faces() -> torch.Tensor:
    return torch.linspace(-60, 60, 2 * 3 * 112 * 112).reshape(2, 3, 112, 112).sin()


@pytest.mark.parametrize(("depth", "parameters"), [(50, 43_590_848), (100, 65_156_160)])
def test_the_network_has_the_released_names_and_shapes(depth, parameters):
    with torch.device("meta"):
        network = IResNet(depth)
    shapes = {n: tuple(v.shape) for n, v in network.state_dict().items() if not n.endswith("num_batches_tracked")}
    assert shapes == released_shapes(depth)
    assert sum(value.numel() for value in network.parameters()) == parameters


def test_the_network_is_the_published_one(given):
    network = fill(IResNet(SMALL), given, "test")
    with torch.no_grad():
        ours, theirs = network(faces()), restated(given, faces(), SMALL)
    assert ours.shape == (2, 512) and not torch.allclose(ours[0], ours[1], rtol=0.05)
    assert torch.allclose(ours, theirs, atol=1e-4 * float(theirs.abs().max()))


def varint(number: int) -> bytes:
    parts = []
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])


def field(number: int, content: bytes | int) -> bytes:
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def onnx_bytes(tensors: dict[str, torch.Tensor], packed: bool = False) -> bytes:
    """An ONNX file of initializers: a version, a text, then the graph with a node, the tensors and an integer tensor."""
    graph = [field(1, field(4, b"Conv")), field(2, b"torch-jit-export")]
    for name, value in tensors.items():
        if packed:
            shape = field(1, b"".join(varint(size) for size in value.shape))
        else:
            shape = b"".join(field(1, size) for size in value.shape)
        numbers = field(9, value.numpy().astype("<f4").tobytes())
        graph.append(field(5, shape + field(2, 1) + field(8, name.encode()) + numbers))
    graph.append(field(5, field(1, 1) + field(2, 7) + field(8, b"shape") + field(9, struct.pack("<q", -1))))
    return field(1, 6) + field(2, b"pytorch") + field(7, b"".join(graph))


def exported(state: dict[str, torch.Tensor], depth: int) -> dict[str, torch.Tensor]:
    """Tensors as w600k_r50.onnx names them: normalisations behind convolutions folded, numbers from 685 on."""
    kept = {n: v for n, v in state.items() if v.is_floating_point()}
    numbered, number = {}, 685
    for convolution, normalisation in convolutions(depth):
        weight = kept.pop(f"{convolution}.weight")
        part = {name: kept.pop(f"{normalisation}.{name}") for name in NORMALISED}
        scale = part["weight"] / torch.sqrt(part["running_var"] + 1e-5)
        numbered[str(number)] = weight * scale.view(-1, 1, 1, 1)
        numbered[str(number + 1)] = part["bias"] - part["running_mean"] * scale
        number += 3
    number -= 1
    for name in slopes(depth):
        numbered[str(number)] = kept.pop(f"{name}.weight").view(-1, 1, 1)
        number += 1
    assert not [name for name in kept if "conv" in name or "downsample" in name]
    return kept | dict(sorted(numbered.items(), reverse=True))


def lined(path) -> Weights:
    """The line of the weights table of a file."""
    return Weights(path.name, path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest(), "u", "none")


@pytest.fixture(scope="module")
def folder(given, tmp_path_factory):
    """The same weights as state dict and as the released ONNX file has them."""
    home = tmp_path_factory.mktemp("weights")
    torch.save(given, home / "backbone.pth")
    (home / arcface_r50.WEIGHTS).write_bytes(onnx_bytes(exported(given, SMALL)))
    return home


def test_the_released_onnx_file_has_room_for_these_tensors():
    with torch.device("meta"):
        tensors = exported(IResNet(50).state_dict(), 50)
    assert {"685", "841", "842", "843", "867", "layer4.2.bn1.weight", "bn2.running_var"} <= tensors.keys()
    assert not {"868", "683", "bn1.weight"} & tensors.keys()
    # Its published size leaves 20 kB for the names and the graph around these numbers.
    numbers = sum(value.numel() for value in tensors.values())
    assert 4 * numbers + 10_000 < read_weights_table()[arcface_r50.WEIGHTS].bytes < 4 * numbers + 30_000


def test_the_onnx_file_and_the_state_dict_give_the_same_network(given, folder):
    from_onnx = open_iresnet(folder, lined(folder / arcface_r50.WEIGHTS), SMALL)
    from_state = open_iresnet(folder, lined(folder / "backbone.pth"), SMALL)
    with torch.no_grad():
        one, other = from_onnx(faces()), from_state(faces())
    assert torch.allclose(one, other, atol=1e-4 * float(other.abs().max()))


def test_a_network_of_another_depth_is_told(folder, given):
    path = folder / arcface_r50.WEIGHTS
    tensors = read_onnx_tensors(path, lined(path))
    with pytest.raises(UserError, match=r"does not fit an IResNet of depth 100: it has 36 tensors .* not 256"):
        state_of_onnx(tensors, 100, path.name)
    with torch.device("meta"):
        deep = IResNet(100)
    with pytest.raises(UserError, match=r"does not fit IResNet: it lacks layer1\.1"):
        fill(deep, given, "backbone.pth")


def test_tensors_of_an_onnx_file_are_read_whichever_way_their_shapes_are_packed(tmp_path):
    wanted = {"onnx::Conv_12": torch.arange(6.0).reshape(1, 2, 3), "a.b": torch.tensor(2.5)}
    for packed in (False, True):
        (tmp_path / "x.onnx").write_bytes(onnx_bytes(wanted, packed))
        found = read_onnx_tensors(tmp_path / "x.onnx", lined(tmp_path / "x.onnx"))
        assert found.keys() == wanted.keys()
        assert all(torch.equal(found[name], value) for name, value in wanted.items())


@pytest.mark.parametrize(
    "content", [b"", b"\x3a\x7fshort", b"\xff" * 40, b"\x3b", onnx_bytes({"a": torch.ones(3)})[:-30]]
)
def test_what_is_no_onnx_file_is_told(tmp_path, content):
    (tmp_path / "x.onnx").write_bytes(content)
    with pytest.raises(UserError, match="is no ONNX file with its weights inside"):
        read_onnx_tensors(tmp_path / "x.onnx", lined(tmp_path / "x.onnx"))


def test_an_onnx_file_is_not_read_before_its_hash_matched(folder):
    line = replace(lined(folder / arcface_r50.WEIGHTS), sha256="0" * 64)
    with pytest.raises(UserError, match="size or sha256 differ"):
        open_iresnet(folder, line, SMALL)


def test_pytorchs_own_export_is_read_and_computes_what_onnxruntime_computes(given, tmp_path):
    oracle("onnx")
    runtime = oracle("onnxruntime")
    network = fill(IResNet(SMALL), given, "test")
    torch.onnx.export(network, (faces()[:1],), str(tmp_path / "x.onnx"), dynamo=False, opset_version=11)
    read = open_iresnet(tmp_path, lined(tmp_path / "x.onnx"), SMALL)
    session = runtime.InferenceSession(str(tmp_path / "x.onnx"), providers=["CPUExecutionProvider"])
    (theirs,) = session.run(None, {session.get_inputs()[0].name: faces()[:1].numpy()})
    with torch.no_grad():
        ours = read(faces()[:1]).numpy()
    assert np.abs(ours - theirs).max() < 1e-4 * np.abs(theirs).max()


def face_at(matrix: np.ndarray) -> np.ndarray:
    """Landmarks `[68, 2]` of which the five points are the template's, moved by a matrix."""
    points = landmarks(1)[0].astype(np.float64)
    points[36:42], points[42:48], points[30] = TEMPLATE[0], TEMPLATE[1], TEMPLATE[2]
    points[48], points[54] = TEMPLATE[3], TEMPLATE[4]
    return points @ matrix[:, :2].T + matrix[:, 2]


def test_a_face_is_moved_to_the_template():
    picture = np.random.default_rng(0).integers(0, 256, (14, 14, 3), dtype=np.uint8)
    picture = cv2.resize(picture, (112, 112), interpolation=cv2.INTER_CUBIC)
    still = align_face(picture, face_at(np.eye(2, 3)))
    assert np.abs(still.astype(int) - picture).max() <= 1
    matrix = cv2.getRotationMatrix2D((56, 56), 20, 1.5)
    matrix[:, 2] += (40, 30)
    moved = cv2.warpAffine(picture, matrix, (200, 200), flags=cv2.INTER_CUBIC)
    found = align_face(moved, face_at(matrix))[8:-8, 8:-8]
    assert np.abs(found.astype(int) - picture[8:-8, 8:-8]).mean() < 5
    with pytest.raises(UserError, match="68 landmarks"):
        align_face(picture, np.zeros((5, 2)))


@pytest.fixture
def released(folder, monkeypatch):
    """The folder, with a table that lists its ONNX file."""
    table = {arcface_r50.WEIGHTS: lined(folder / arcface_r50.WEIGHTS)}
    monkeypatch.setattr(weights_module, "read_weights_table", lambda path=None: table)
    monkeypatch.setattr(arcface_r50, "DEPTH", SMALL)
    arcface_r50._embedder.cache_clear()
    yield folder
    arcface_r50._embedder.cache_clear()


def measured(home, name, made, truth):
    asked = requested_metrics(default_config()["metrics"] | {name: True})
    points, seen = (
        np.repeat(face_at(np.eye(2, 3))[None], len(made), axis=0).astype(np.float32),
        np.ones(len(made), bool),
    )
    audio = np.zeros(640 * len(made), np.int16)
    return measure_clip(made, truth, audio, points, seen, points, False, {name: asked[name]}, str(home))


def test_embeddings_have_length_1_and_the_colours_order_counts(released):
    line = weights_module.read_weights_table()[arcface_r50.WEIGHTS]
    embed = open_arcface(released, line, SMALL)
    picture = np.random.default_rng(1).integers(0, 256, (112, 112, 3), dtype=np.uint8)
    one, other = (embed(frame, face_at(np.eye(2, 3))) for frame in (picture, picture[..., ::-1]))
    assert np.linalg.norm(one) == pytest.approx(1, abs=1e-5) and one @ other < 0.9999
    given = (torch.from_numpy(align_face(picture, face_at(np.eye(2, 3)))).permute(2, 0, 1)[None] - 127.5) / 127.5
    with torch.no_grad():
        plain = open_iresnet(released, line, SMALL)(given)[0].numpy()
    assert one == pytest.approx(plain / np.linalg.norm(plain), abs=1e-5)


def test_its_columns_stand_beside_dlibs(released):
    pictures = np.random.default_rng(2).integers(0, 256, (3, 112, 112, 3), dtype=np.uint8)
    same = measured(released, "arcface_r50", pictures, pictures)
    assert [one.metric for one in same] == [f"{name}_arcface_r50" for name in IDENTITY_METRICS]
    assert same[0].value == pytest.approx(1, abs=1e-6)


def test_without_its_files_the_cells_say_what_to_do(tmp_path):
    frames = np.zeros((3, 8, 8, 3), np.uint8)
    for name, what in (
        ("arcface_r50", f"snakemake --cores 1 resources/weights/{arcface_r50.WEIGHTS}"),
        ("arcface_r100", f"config/weights.tsv has no line {arcface_r100.WEIGHTS} to verify the file with"),
    ):
        assert name not in requested_metrics(default_config()["metrics"])
        found = measured(tmp_path, name, frames, frames)
        reason = f"not computed: weights missing ({what})"
        assert {(one.status, one.reason) for one in found} == {(NOT_COMPUTED, reason)}
    assert "non-commercial" in read_weights_table()[arcface_r50.WEIGHTS].licence
