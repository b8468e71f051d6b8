"""The whole config as one typed model, made of the blocks that define their own settings.

Types, bounds, choices, defaults and descriptions of every key stand in the models alone: `config/schemas/config.schema.yaml`
and `docs/configuration.md` are written from them (`make config-reference`), and `config/config.yaml` has their defaults.
"""

import dataclasses
from typing import Annotated, Literal

from pydantic import Field

from dheads_model.config import (
    OPTIONAL,
    Count,
    CountOrZero,
    Share,
    build,
    field_types,
    plain_type,
    settings,
)
from dheads_model.corpora.registry import DATASETS
from dheads_model.diffusion.settings import SamplingSettings
from dheads_model.errors import UserError
from dheads_model.faces.align_settings import AlignSettings
from dheads_model.faces.crop_settings import CropSettings
from dheads_model.faces.redetect_settings import RedetectSettings
from dheads_model.faces.track_settings import TrackSettings
from dheads_model.metrics.distance_registry import DISTANCES
from dheads_model.tables.gallery_settings import GallerySettings
from dheads_model.training.settings import RunSettings
from dheads_model.training.sync_settings import SyncSettings

Dataset = Literal[*DATASETS]
# For the schema; `Configuration` checks it.
_UNIQUE = {"uniqueItems": True}
Name = Annotated[str, Field(pattern="^[A-Za-z][A-Za-z0-9_-]*$")]
Seeds = Annotated[
    tuple[CountOrZero, ...],
    Field(min_length=2, json_schema_extra=_UNIQUE, description="Seeds of all trainings of the run."),
]


@settings("sharding")
class ShardingSettings:
    """Division of the clips into shards. A job processes one shard."""

    clips_per_shard: Annotated[int, Field(ge=1, le=1000)] = 16
    """Clips per shard."""
    clips_per_sampling_job: Annotated[int, Field(ge=1, le=1000)] = 100
    """Clips per job that samples videos of a test shard. It changes no video."""


@settings("test_subset")
class TestSubsetSettings:
    """Test clips of which videos are made and measured."""

    __test__ = False  # no class of tests

    clips: Count | None = None
    """Number of test clips of each dataset, a seeded subset that is proportional over the shards and the same for all methods
    and metrics. null: all. The table states it."""
    seed: CountOrZero = 0
    """Seed of the choice. With the same seed, more clips contain the fewer."""


@settings("budget")
class BudgetSettings:
    """How many clips a stage may lose in a shard before it warns or stops with an error."""

    always_allowed: CountOrZero = 3
    """Number of clips that may fail, and number that may be filtered, however small the shard is."""
    failed_fraction: Share = 0.05
    """Fraction of a shard's clips that may fail."""
    filtered_fraction: Share = 0.5
    """Fraction of a shard's clips that may be filtered."""
    strict: Annotated[tuple[Dataset, ...], Field(json_schema_extra=_UNIQUE)] | None = None
    """Datasets whose stages stop when more clips are lost. The stages of other datasets warn and continue with the
    remaining clips. null: all datasets that are published as complete, that is, all but folder."""


@settings("audio")
class AudioSettings:
    """Audio features."""

    bands: Annotated[int, Field(ge=8, le=128)] = 80
    """Bands of the mel filterbank."""
    silence_dbfs: Annotated[float, Field(le=0)] = -60.0
    """Clips whose loudest 40 ms stay below this level (decibels of full scale) are filtered as silent."""


@settings("quality")
class QualitySettings:
    """The report on a prepared dataset."""

    worst_clips: Annotated[int, Field(ge=1, le=100)] = 10
    """Number of outlier clips that are listed and shown."""
    max_tiles: Annotated[int, Field(ge=1, le=1000)] = 100
    """Maximum number of faces on the contact sheet, one per speaker."""


@settings("ablation")
class AblationSettings:
    """Table 3: trainings of one run that differ in a few settings of its network, one for every combination of the values
    below."""

    run: str | None = None
    """Run that is varied. null: no ablation. Each other combination adds a run and the methods of this run again, for
    instance ours_radius0_rgb, with one row each in table 1 and in results/table3.md."""
    audio_radius: Annotated[tuple[CountOrZero, ...], Field(json_schema_extra=_UNIQUE)] = (0, 1, 2, 3)
    """Audio embeddings on each side of the target frame (runs.NAME.network.audio_radius). []: only the run's own."""
    motion_channels: Annotated[tuple[Literal[1, 3], ...], Field(json_schema_extra=_UNIQUE)] = (3, 1)
    """Channels of the motion frames, 3 for RGB and 1 for grey. []: only the run's own."""
    motion_frames: Annotated[tuple[Count, ...], Field(json_schema_extra=_UNIQUE)] = ()
    """Numbers of motion frames. []: only the run's own."""


@settings("methods.NAME")
class MethodSettings:
    """A method. Kind model also needs run, gpus and sampling, kind videos also path."""

    kind: Literal[
        "model", "videos", "ground_truth", "frozen_first_frame", "ground_truth_of_another", "linear_regression"
    ]
    """A trained model, videos that were made elsewhere, the ground truth, the ground truth's first frame repeated, the
    ground truth of another clip with the audio of this one (the score of a natural mouth that does not match the
    audio), or a ridge regression from audio to mouth opening, which makes no videos and has a value for the mouth-truth
    correlation alone."""
    path: Annotated[str | None, OPTIONAL] = None
    """Folder of the videos of kind videos, or a folder with one subfolder per dataset. A video is square, named after
    its clip (CLIP.mp4), and shows the same region as the clip's crop from its first frame on. Videos are converted to
    25 frames per second by the nearest frame and resized to the crop's size. Longer ones are cut. In shorter ones the
    last frame is repeated up to 5 times; if that is not enough, or a video is missing, the clip counts as not
    measured."""
    run: Annotated[str | None, OPTIONAL] = None
    """Run whose model generates the videos."""
    gpus: Annotated[CountOrZero | None, OPTIONAL] = None
    """GPUs of a job, which sees no others; 0: it computes on the CPU."""
    sampling: Annotated[SamplingSettings | None, OPTIONAL] = None

    def __post_init__(self):
        for key in {"model": ("run", "gpus", "sampling"), "videos": ("path",)}.get(self.kind, ()):
            if getattr(self, key) is None:
                raise UserError(f"config key methods.NAME.{key} is missing.")


@settings("metrics.fvd")
class FvdSettings:
    """Windows of frames that FVD compares; their length changes its values."""

    frames: Annotated[int, Field(ge=9)] = 16
    """Frames of a window. A clip with fewer frames than a window spans has no features."""
    stride: Count = 1
    """Distance of these frames in a clip of 25 frames per second. 1: consecutive frames."""


@settings("metrics")
class MetricsSettings:
    """Metrics of videos. Landmarks are detected with track.backend, as in the ground truth."""

    distances: Annotated[tuple[Literal[*DISTANCES], ...], Field(json_schema_extra=_UNIQUE)] = ("effnet_lite0",)
    """Distances between all videos of a method and all real clips, see docs/metrics.md. effnet_lite0: Fréchet and kernel
    distance of EfficientNet-Lite0, no download. fid_pytorch_fid, fid_tf1, fid_clean: FID and KID, by
    preprocessing. fvd_torchscript, fvd_i3d: FVD, by network. All but the first need released weights (config/weights.tsv);
    without them their cells say which command fetches them."""
    fvd: FvdSettings = FvdSettings()
    syncnet: bool = False
    """Also measure AV offset, AV confidence (LSE-C) and LSE-D with the released SyncNet, whose weights must be here as for
    distances."""
    require: Annotated[tuple[str, ...], Field(json_schema_extra=_UNIQUE)] = ()
    """Metrics of this block, such as fid_tf1 or syncnet, whose missing weights stop the run with an error before the
    first job."""

    published_blinks: bool = False
    """Also count blinks with dlib's predictor, as the tool named by the paper's authors does. Needs pip install
    'dheads[published-blinks]'. The predictor was trained on iBUG 300-W, which is not for commercial use."""
    identity: bool = False
    """Also measure CSIM and ACD with dlib's 128-d face embedding, see docs/metrics.md. Needs pip install
    'dheads[identity]'."""
    arcface_r50: bool = False
    """Also measure them with ArcFace's IResNet-50 (WebFace600K), whose released weights must be here as for distances. They
    are for non-commercial research only."""
    arcface_r100: bool = False
    """The same with IResNet-100 (Glint360K). No hash of its weights is published: see docs/metrics.md."""
    lips_meet: bool = True
    """Measure whether the lips meet at every spoken P, B and M. Needs phone times: the embedded corpus knows its own, other
    datasets need transcripts and pip install 'dheads[alignment]'; without them the table says why there is no value."""
    lpips: bool = False
    """Also measure LPIPS v0.1 on AlexNet, whose released weights must be here as for distances."""
    wer_dctcn: bool = False
    """Also measure the word error of the released lip reader DC-TCN, for LRW alone; see docs/metrics.md for its two files of
    weights, which are not for commercial use."""
    wer_mstcn: bool = False
    """The same by the lip reader MS-TCN."""
    sync_encoder: str | None = None
    """Held-out scorer: the sync encoder that measures sync confidence and offset. It must not be the one that a run's
    audio encoder is initialised from. null: no such columns."""


@settings("strips")
class StripsSettings:
    """Frame strips: ground truth above, frames of a method below."""

    every_n_frames: Count = 5
    """Every n-th frame is shown."""
    max_frames: Count = 14
    """Maximum number of frames per clip."""
    clips: Count = 4
    """Maximum number of clips per shard."""


@settings("opinion_study")
class OpinionSettings:
    """Opinion study for table 2: a page on which raters say of videos whether they are real (docs/tables.md)."""

    methods: Annotated[tuple[str, ...], Field(min_length=2, json_schema_extra=_UNIQUE)] = ("ours", "ground_truth")
    """Methods whose videos are shown. The paper showed two methods and real videos."""
    dataset: str | None = None
    """Dataset whose test clips are shown. null: the first of datasets that is here."""
    clips_per_method: Count = 10
    """Videos of each method on a sheet, 10 in the paper; fewer where the test split has fewer clips than that times
    the number of methods."""
    sheets: Count = 140
    """Number of sheets, one a rater; the paper asked 140 people."""
    seed: CountOrZero = 1
    """Seed of the choice and order of clips."""
    votes: str | None = None
    """Folder with the files that raters saved, for results/table2.csv; relative to the work directory or to the current
    directory."""


@settings("table1")
class TableSettings:
    """Table 1."""

    reference: str = "ours"
    """Method that the paired differences refer to."""


def _two_encoders() -> dict[str, SyncSettings]:
    """Two encoders that learn from different speakers, so that one may score what is made with the other."""
    first = SyncSettings()
    training = dataclasses.replace(first.training, seed=first.training.seed + 1)
    return {"conditioning": first, "scorer": dataclasses.replace(first, speakers="odd", training=training)}


def _methods() -> dict[str, MethodSettings]:
    return {
        "ours": MethodSettings("model", run="ours", gpus=0, sampling=SamplingSettings()),
        "ground_truth": MethodSettings("ground_truth"),
        "frozen_first_frame": MethodSettings("frozen_first_frame"),
    }


@dataclasses.dataclass(frozen=True)
class _Input:
    datasets: Annotated[tuple[Dataset, ...], Field(min_length=1, json_schema_extra=_UNIQUE)] = ("embedded",)
    """Datasets that are prepared and evaluated."""
    clips: str | None = None
    """Folder with your videos, for the dataset folder; relative to the work directory or to the current directory."""
    model: str | None = None
    """An export (model.safetensors) of an earlier run. If set, nothing is trained, and every method of kind model uses
    it."""
    published_audio_encoder: str | None = None
    """The file audio_encoder.pt of the published release. Needed by runs with network.audio_encoder published, and by a
    model (config key model) that was imported without its audio encoder."""
    weights: str | None = None
    """Folder with files of network weights that are here already, named as in config/weights.tsv. A file that is needed is
    verified and linked or copied into resources/weights instead of being downloaded."""
    seed: CountOrZero = 2137
    """Seed of sampling. The seed of each clip and frame is derived from it and is the same for every method, so paired
    differences do not contain differences of noise."""


_WithDatasets = dataclasses.make_dataclass(
    "_WithDatasets",
    [(name, one.settings, dataclasses.field(default_factory=one.settings)) for name, one in DATASETS.items()],
    bases=(_Input,),
    frozen=True,
)


@settings("")
class Configuration(_WithDatasets):
    """Config of the Diffused Heads workflow."""

    sharding: ShardingSettings = ShardingSettings()
    test_subset: TestSubsetSettings = TestSubsetSettings()
    budget: BudgetSettings = BudgetSettings()
    track: TrackSettings = TrackSettings()
    align: AlignSettings = AlignSettings()
    crop: CropSettings = CropSettings()
    landmark: RedetectSettings = RedetectSettings()
    audio: AudioSettings = AudioSettings()
    quality: QualitySettings = QualitySettings()
    runs: dict[Name, RunSettings] = dataclasses.field(default_factory=lambda: {"ours": RunSettings()})
    """Trainings, each a named configuration. Settings never appear in file names."""
    training_seeds: dict[str, Seeds] = dataclasses.field(default_factory=dict)
    """Seeds with which a run is trained, by the run's name: its own (runs.NAME.training.seed) and others. Each other
    seed adds a run and methods, for instance ours_seed2 next to ours, with one row each in the table. results/seeds.md
    has mean and standard deviation over seeds."""
    ablation: AblationSettings = AblationSettings()
    sync_encoders: dict[Name, SyncSettings] = dataclasses.field(default_factory=_two_encoders)
    """Pairs of small encoders, trained contrastively, that score whether a mouth matches the audio (docs/sync.md), each
    a named configuration. One is trained on a dataset if runs.NAME.audio_encoder_from or metrics.sync_encoder names
    it."""
    methods: dict[Name, MethodSettings] = dataclasses.field(default_factory=_methods)
    """Rows of the table."""
    metrics: MetricsSettings = MetricsSettings()
    strips: StripsSettings = StripsSettings()
    gallery: GallerySettings = GallerySettings()
    table1: TableSettings = TableSettings()
    opinion_study: OpinionSettings = OpinionSettings()

    def __post_init__(self):
        for key, values in {
            "datasets": self.datasets,
            "budget.strict": self.budget.strict,
            "metrics.distances": self.metrics.distances,
            "metrics.require": self.metrics.require,
        }.items():
            _check_unlike(key, values or ())
        for key in ("audio_radius", "motion_channels", "motion_frames"):
            _check_unlike(f"ablation.{key}", getattr(self.ablation, key))
        for run, seeds in self.training_seeds.items():
            _check_unlike(f"training_seeds.{run}", seeds)


def _check_unlike(key: str, values: tuple) -> None:
    if len(set(values)) < len(values):
        raise UserError(f"config key {key} is {list(values)}; it must not name one twice.")


def read_configuration(config: dict) -> Configuration:
    """The config, every key of which has to be there. Raises UserError as `build` does."""
    return build(Configuration, config, "", every_key=True, internal=False)


def default_config() -> dict:
    """The config that the models' defaults make, as YAML has it."""
    return _written(Configuration, Configuration())


def _written(hint, value):
    kind, _ = plain_type(hint)
    if value is None:
        return None
    if dataclasses.is_dataclass(kind):
        pairs = {name: (inner, getattr(value, name)) for name, inner in field_types(kind, config_only=True).items()}
        return {
            name: _written(inner, item)
            for name, (inner, item) in pairs.items()
            if not (item is None and (kind is MethodSettings or dataclasses.is_dataclass(plain_type(inner)[0])))
        }
    if isinstance(value, dict):
        return {name: _written(kind.__args__[1], item) for name, item in value.items()}
    if isinstance(value, tuple):
        return [_written(type(item), item) for item in value]
    return value
