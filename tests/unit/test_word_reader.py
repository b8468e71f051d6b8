"""The word reader and its error: the network against a restatement, the mouth region, labels, and the road to a table's rows."""

import hashlib
import io
import math
from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from skimage.data import astronaut

from dheads_model import weights as weights_module
from dheads_model.configuration import default_config
from dheads_model.errors import UserError
from dheads_model.faces.mouth_region import SIDE, mouth_regions
from dheads_model.manifest import Manifest, Outcome, store_files, write_manifest
from dheads_model.media.encode import write_video
from dheads_model.metrics.clip import measure_clip
from dheads_model.metrics.lrw_words import LRW_WORDS
from dheads_model.metrics.measurement import NOT_COMPUTED
from dheads_model.metrics.networks.dctcn import dctcn
from dheads_model.metrics.networks.mstcn import mstcn
from dheads_model.metrics.networks.strict import fill
from dheads_model.metrics.networks.word_network import INSIDE, open_word_reader, prepare
from dheads_model.metrics.per_clip import wer_dctcn
from dheads_model.metrics.per_clip import wer_mstcn as wer
from dheads_model.metrics.registry import requested_metrics
from dheads_model.metrics.word_error import WordReader, measure_word_error
from dheads_model.shards.reader import read_shard
from dheads_model.stages import measure
from dheads_model.weights import Weights, read_weights_table
from tests.factories.faces import landmarks
from tests.factories.shards import pack
from tests.oracles import deterministic

FACE = landmarks(1)[0] * 1.4 + [30.0, 40.0]  # stands in for the mean face
NORMALISED = ("weight", "bias", "running_mean", "running_var")


def released_shapes(temporal) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a released state dict without batch counters, from its repository's configuration."""
    shapes = {}

    def add(name, weight, bias=False):
        shapes[f"{name}.weight"] = weight
        if bias:
            shapes[f"{name}.bias"] = weight[:1]

    def normalise(name, channels):
        shapes.update({f"{name}.{part}": (channels,) for part in NORMALISED})

    add("frontend3D.0", (64, 1, 5, 7, 7))
    normalise("frontend3D.1", 64)
    before = 64
    for layer, channels in enumerate((64, 128, 256, 512), start=1):
        for block in (0, 1):
            name = f"trunk.layer{layer}.{block}"
            add(f"{name}.conv1", (channels, before, 3, 3)), normalise(f"{name}.bn1", channels)
            add(f"{name}.conv2", (channels, channels, 3, 3)), normalise(f"{name}.bn2", channels)
            if before != channels:
                add(f"{name}.downsample.0", (channels, before, 1, 1)), normalise(f"{name}.downsample.1", channels)
            before = channels
    temporal(add, normalise)
    return shapes


def mstcn_shapes(add, normalise):
    for level in range(4):
        name = f"tcn.mb_ms_tcn.network.{level}"
        for row in (0, 1):
            inputs = 512 if level == row == 0 else 768
            for branch, kernel in enumerate((3, 5, 7)):
                add(f"{name}.cbcr{row}_{branch}.conv", (256, inputs, kernel), bias=True)
                normalise(f"{name}.cbcr{row}_{branch}.batchnorm", 256)
        add(f"{name}.downsample", (768, 512 if level == 0 else 768, 1), bias=True)
    add("tcn.tcn_output", (500, 768), bias=True)


def dctcn_shapes(add, normalise):
    trunk = "tcn.tcn_trunk.features"
    for block in range(4):
        add(f"{trunk}.transition{block}.conv", (512, 512 if block == 0 else 1664, 1))
        normalise(f"{trunk}.transition{block}.norm", 512)
        if block == 0:
            add(f"{trunk}.transition0.prelu", (512,))
        for layer in range(3):
            inputs, name = 512 + 384 * layer, f"{trunk}.denseblock{block + 1}.denselayer{layer + 1}"
            for branch, kernel in enumerate((3, 5, 7)):
                add(f"{name}.cbcr0_se_{branch}.fc.0", (inputs // 16, inputs))
                add(f"{name}.cbcr0_se_{branch}.fc.2", (inputs, inputs // 16))
                for row, channels in ((0, inputs), (1, 384)):
                    add(f"{name}.cbcr{row}_{branch}.net.0", (128, channels, kernel), bias=True)
                    normalise(f"{name}.cbcr{row}_{branch}.net.1", 128)
            add(f"{name}.downsample", (384, inputs, 1), bias=True)
    normalise(f"{trunk}.norm5", 1664)
    add("tcn.tcn_output", (500, 1664), bias=True)


def normalise(state, x, name):
    parts = (state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
    return F.batch_norm(x, *parts, eps=1e-5)


def swish(x):
    return x * torch.sigmoid(x)


def over_time(state, x, convolution, normalisation, kernel, dilation):
    """A convolution padded on both sides by its whole reach, normalised, then cut."""
    reach = (kernel - 1) * dilation
    weight, bias = state[f"{convolution}.weight"], state[f"{convolution}.bias"]
    long = F.conv1d(x, weight, bias, padding=reach, dilation=dilation)
    return swish(normalise(state, long, normalisation)[:, :, reach // 2 : -(reach // 2)])


def restated(state: dict, x: torch.Tensor, temporal) -> torch.Tensor:
    """A published network by functions alone."""
    x = F.conv3d(x, state["frontend3D.0.weight"], stride=(1, 2, 2), padding=(2, 3, 3))
    x = F.max_pool3d(swish(normalise(state, x, "frontend3D.1")), (1, 3, 3), (1, 2, 2), (0, 1, 1))
    x = torch.stack([x[0, :, t] for t in range(x.shape[2])])
    for layer in range(1, 5):
        for block in (0, 1):
            name, stride = f"trunk.layer{layer}.{block}", 2 if layer > 1 and block == 0 else 1
            inner = swish(normalise(state, F.conv2d(x, state[f"{name}.conv1.weight"], None, stride, 1), f"{name}.bn1"))
            inner = normalise(state, F.conv2d(inner, state[f"{name}.conv2.weight"], None, 1, 1), f"{name}.bn2")
            if f"{name}.downsample.0.weight" in state:
                x = F.conv2d(x, state[f"{name}.downsample.0.weight"], None, stride)
                x = normalise(state, x, f"{name}.downsample.1")
            x = swish(inner + x)
    x = temporal(state, F.adaptive_avg_pool2d(x, 1).flatten(1).T[None])
    return F.linear(x.mean(dim=2), state["tcn.tcn_output.weight"], state["tcn.tcn_output.bias"])


def mstcn_over_time(state, x):
    for level in range(4):
        name, inner = f"tcn.mb_ms_tcn.network.{level}", x
        for row in (0, 1):
            names = [(f"{name}.cbcr{row}_{branch}", kernel) for branch, kernel in enumerate((3, 5, 7))]
            inner = torch.cat(
                [over_time(state, inner, f"{n}.conv", f"{n}.batchnorm", k, 2**level) for n, k in names], dim=1
            )
        x = swish(inner + F.conv1d(x, state[f"{name}.downsample.weight"], state[f"{name}.downsample.bias"]))
    return x


def dctcn_over_time(state, x):
    trunk = "tcn.tcn_trunk.features"
    for block in range(4):
        x = F.conv1d(x, state[f"{trunk}.transition{block}.conv.weight"])
        x = normalise(state, x, f"{trunk}.transition{block}.norm")
        x = F.prelu(x, state[f"{trunk}.transition0.prelu.weight"]) if block == 0 else swish(x)
        seen = [x]
        for layer, dilation in enumerate((1, 2, 5), start=1):
            name, x, parts = f"{trunk}.denseblock{block + 1}.denselayer{layer}", torch.cat(seen, dim=1), []
            for branch, kernel in enumerate((3, 5, 7)):
                squeeze, excite = (state[f"{name}.cbcr0_se_{branch}.fc.{n}.weight"] for n in (0, 2))
                given = x * torch.sigmoid(swish(x.mean(dim=2) @ squeeze.T) @ excite.T)[:, :, None]
                own = f"{name}.cbcr0_{branch}.net"
                parts.append(over_time(state, given, f"{own}.0", f"{own}.1", kernel, dilation))
            inner, parts = torch.cat(parts, dim=1), []
            for branch, kernel in enumerate((3, 5, 7)):
                own = f"{name}.cbcr1_{branch}.net"
                parts.append(over_time(state, inner, f"{own}.0", f"{own}.1", kernel, dilation))
            shortcut = F.conv1d(x, state[f"{name}.downsample.weight"], state[f"{name}.downsample.bias"])
            seen.append(swish(torch.cat(parts, dim=1) + shortcut))
        x = torch.cat(seen, dim=1)
    return normalise(state, x, f"{trunk}.norm5")


@pytest.mark.parametrize(
    ("build", "shapes", "megabytes"), [(mstcn, mstcn_shapes, 139), (dctcn, dctcn_shapes, 201)], ids=["mstcn", "dctcn"]
)
def test_a_network_has_the_released_names_and_shapes(build, shapes, megabytes):
    """And the size that the authors print for its file."""
    with torch.device("meta"):
        state = build().state_dict()
    own = {name: tuple(value.shape) for name, value in state.items() if not name.endswith("num_batches_tracked")}
    assert own == released_shapes(shapes)
    assert round(4 * sum(math.prod(shape) for shape in own.values()) / 2**20) == megabytes


@pytest.mark.parametrize(
    ("build", "temporal"), [(mstcn, mstcn_over_time), (dctcn, dctcn_over_time)], ids=["mstcn", "dctcn"]
)
def test_a_network_is_the_published_one(build, temporal):
    network = build()
    state = deterministic(network.state_dict())
    fill(network, state, "test")
    mouths = torch.linspace(-40, 40, 5 * 88 * 88).reshape(1, 1, 5, 88, 88).sin()
    with torch.no_grad():
        ours, theirs = network(mouths), restated(state, mouths, temporal)
    assert ours.shape == (1, 500) and ours.std() > 0.01
    assert torch.allclose(ours, theirs, atol=1e-4 * float(theirs.abs().max()))


def test_the_classes_are_the_words_of_lrw_in_alphabetical_order():
    assert len(set(LRW_WORDS)) == 500 and list(LRW_WORDS) == sorted(LRW_WORDS)
    assert (LRW_WORDS[0], LRW_WORDS[-1]) == ("ABOUT", "YOUNG")


def test_the_input_is_the_middle_of_the_region_normalised():
    region = np.zeros((1, SIDE, SIDE), np.uint8)
    region[0, 4, 4], region[0, 3, 50], region[0, 91, 91] = 255, 200, 51
    given = prepare(region)
    assert given.shape == (1, 1, 1, 88, 88)
    assert float(given[0, 0, 0, 0, 0]) == pytest.approx((1 - 0.421) / 0.165)
    assert float(given[0, 0, 0, -1, -1]) == pytest.approx((0.2 - 0.421) / 0.165)
    assert float(given.max()) == float(given[0, 0, 0, 0, 0])


def turned(scale: float, degrees: float, x: float, y: float) -> np.ndarray:
    matrix = cv2.getRotationMatrix2D((128, 128), degrees, scale)
    matrix[:, 2] += (x, y)
    return matrix


def test_the_mouth_region_is_that_of_the_face_aligned_to_the_mean_face():
    picture = cv2.resize(astronaut()[:256, 96:352], (256, 256))
    centre = FACE[48:68].mean(axis=0)
    left, top = np.rint(centre).astype(int) - 48
    expected = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[top : top + 96, left : left + 96]
    (same,) = mouth_regions(picture[None], FACE[None], FACE)
    assert np.array_equal(same, expected)
    matrix = turned(1.3, 12, 5, -9)
    moved = cv2.warpAffine(picture, matrix, (256, 256), flags=cv2.INTER_CUBIC)
    points = FACE @ matrix[:, :2].T + matrix[:, 2]
    (found,) = mouth_regions(moved[None], points[None], FACE)
    assert np.abs(found.astype(int) - expected).mean() < 4
    assert np.abs(found.astype(int) - np.roll(expected, 5, axis=1)).mean() > 8


def test_the_place_of_a_face_is_not_smoothed_over_time():
    """A face that jumps by 20 pixels in one frame is followed at once, and its neighbours stay."""
    frames = np.zeros((13, 256, 256, 3), np.uint8)
    points = np.repeat(FACE[None], 13, axis=0)
    points[6] += (20.0, 0.0)
    x, y = np.rint(FACE[48:68].mean(axis=0)).astype(int)
    frames[6, y, x + 20], frames[5, y, x] = 255, 255
    regions = mouth_regions(frames, points, FACE)
    assert regions[6].max() > 100 and np.unravel_index(regions[6].argmax(), (96, 96)) == (48, 48)
    assert np.unravel_index(regions[5].argmax(), (96, 96)) == (48, 48)


def test_a_face_without_extent_cannot_be_aligned():
    assert mouth_regions(np.zeros((1, 64, 64, 3), np.uint8), np.zeros((1, 68, 2)), FACE) is None


def reader_of(scores, words=("ABOUT", "YOUNG"), least_frames=3):
    return WordReader(words, lambda frames, points: None if scores is None else np.array(scores), least_frames)


@pytest.mark.parametrize(
    ("scores", "word", "frames", "expected"),
    [
        ((2.0, 1.0), "ABOUT", 3, 0.0),
        ((2.0, 1.0), "YOUNG", 3, 1.0),
        ((1.0, 1.0), "ABOUT", 3, 1.0),  # undecided
        ((2.0, 1.0), "", 3, "the clip has no word label; a word reader needs clips of single words, as LRW's are"),
        ((2.0, 1.0), "BLUE", 3, "the word BLUE is none of the 2 that the reader knows"),
        ((2.0, 1.0), "ABOUT", 2, "fewer than 3 frames"),
        (None, "ABOUT", 3, "the face cannot be aligned to the mean face"),
    ],
)
def test_a_clip_is_wrong_or_right_or_refused_with_a_reason(scores, word, frames, expected):
    clip = np.zeros((frames, 8, 8, 3), np.uint8), np.zeros((frames, 68, 2))
    found = measure_word_error("wer_x", reader_of(scores), *clip, word)
    assert found.reason == expected if isinstance(expected, str) else found.value == expected


def measured(folder, word, frames=29):
    """The column of a clip of moving noise."""
    metrics = {"wer": requested_metrics(default_config()["metrics"] | {"wer_mstcn": True})["wer_mstcn"]}
    video = np.random.default_rng(0).integers(0, 256, (frames, 64, 64, 3), dtype=np.uint8)
    points, seen = np.repeat(FACE[None] / 4, frames, axis=0).astype(np.float32), np.ones(frames, bool)
    audio = np.zeros(640 * frames, np.int16)
    (found,) = measure_clip(video, video, audio, points, seen, points, False, metrics, str(folder), word=word)
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with random weights and a stand-in for the mean face, in the place of the released files."""
    home = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    torch.save({"epoch_idx": 1, INSIDE: mstcn().state_dict()}, home / wer.FILES[0])
    np.save(home / wer.FILES[1], FACE)
    return home


@pytest.fixture
def released(folder, monkeypatch):
    """The folder, with a table that lists its files."""
    digest = lambda name: hashlib.sha256((folder / name).read_bytes()).hexdigest()  # noqa: E731
    table = {name: Weights(name, (folder / name).stat().st_size, digest(name), "u", "none") for name in wer.FILES}
    monkeypatch.setattr(weights_module, "read_weights_table", lambda path=None: table)
    wer._reader.cache_clear()
    yield folder
    wer._reader.cache_clear()


def test_it_is_measured_only_on_request_and_named_by_its_reader():
    assert not {"wer_dctcn", "wer_mstcn"} & requested_metrics(default_config()["metrics"]).keys()
    assert (wer_dctcn.METRIC.names(), wer.METRIC.names()) == (["wer_dctcn"], ["wer_mstcn"])
    assert wer_dctcn.FILES[0] == "lrw_resnet18_dctcn_video.pth"


def test_without_its_files_the_cell_says_so(tmp_path):
    """No hash of the reader is published, so the user's own line has to name it; the mean face has one."""
    found = measured(tmp_path, "ABOUT")
    assert (found.status, wer.FILES[0] in found.reason) == (NOT_COMPUTED, True)
    assert found.reason.startswith("not computed: weights missing (config/weights.tsv has no line")
    assert read_weights_table()[wer.FILES[1]].bytes == 1168


def test_clips_of_another_corpus_are_refused_without_any_weights(tmp_path):
    assert measured(tmp_path, "").reason.startswith("the clip has no word label")
    assert measured(tmp_path, "BIN").reason == "the word BIN is none of the 500 that the reader knows"


def test_the_files_give_the_word_that_the_network_names(released):
    table = weights_module.read_weights_table()
    reader = open_word_reader(released, mstcn(), *(table[name] for name in wer.FILES))
    video = np.random.default_rng(0).integers(0, 256, (29, 64, 64, 3), dtype=np.uint8)
    scores = reader.read(video, np.repeat(FACE[None] / 4, 29, axis=0).astype(np.float32))
    named, another = LRW_WORDS[int(scores.argmax())], LRW_WORDS[int(scores.argmin())]
    assert (measured(released, named).value, measured(released, another).value) == (0.0, 1.0)
    assert measured(released, named, frames=11).reason == "fewer than 12 frames"


def test_another_file_is_never_opened(released, tmp_path):
    for name in wer.FILES:
        (tmp_path / name).write_bytes((released / name).read_bytes())
    content = bytearray((tmp_path / wer.FILES[0]).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / wer.FILES[0]).write_bytes(content)
    with pytest.raises(UserError, match="size or sha256 differ"):
        measured(tmp_path, "ABOUT")


def test_a_mean_face_of_another_form_is_told(tmp_path):
    buffer = io.BytesIO()
    np.save(buffer, np.zeros((5, 2)))
    (tmp_path / "face.npy").write_bytes(buffer.getvalue())
    line = Weights("face.npy", None, hashlib.sha256(buffer.getvalue()).hexdigest(), "u", "none")
    with pytest.raises(UserError, match=r"holds an array \[5, 2\], not the 68 landmarks"):
        open_word_reader(tmp_path, mstcn(), replace(line, name="x"), line)


def test_words_of_a_shard_reach_the_rows(released, tmp_path, monkeypatch):
    """Two clips of words and one without a label, through the stage that measures a shard."""
    shard = pack(
        tmp_path, split="test", lengths={"a_1": 12, "b_1": 12, "c_1": 12}, words={"a_1": "ABOUT", "b_1": "BIN"}
    )
    clips = list(read_shard(shard))
    for clip in clips:
        write_video(tmp_path / f"{clip.clip}.mp4", clip.frames, clip.audio)
    stored = store_files([tmp_path / f"{clip.clip}.mp4" for clip in clips], tmp_path / "videos.json")
    outcomes = tuple(Outcome(clip.clip, "ok") for clip in clips)
    about = Manifest("copy", "toy", "test", "00000", {"kind": "ground_truth"}, outcomes, stored)
    write_manifest(tmp_path / "videos.json", about)
    points = np.repeat(FACE[None] / 8, 12, axis=0).astype(np.float32)
    monkeypatch.setattr(measure, "detect_in_crops", lambda frames, *how: (points, np.ones(len(frames), bool)))
    monkeypatch.setattr(measure, "requested_metrics", lambda settings: {"wer": wer.METRIC})
    settings = {"backend": "mediapipe", "precision": "float32"}
    measure.measure_shard(
        shard, tmp_path / "videos.json", "ground_truth", settings, str(released), tmp_path / "m.parquet",
        tmp_path / "l.parquet",
    )  # fmt: skip
    rows = pd.read_parquet(tmp_path / "m.parquet").set_index("clip")
    assert set(rows["metric"]) == {"wer_mstcn"}
    assert rows.loc["a_1", "value"] in (0.0, 1.0)
    assert "the word BIN" in rows.loc["b_1", "reason"] and "no word label" in rows.loc["c_1", "reason"]
