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
    """How clips form shards, the unit of work."""

    clips_per_shard: Annotated[int, Field(ge=1, le=1000)] = 16
    """Clips of one shard, hence of one job."""


@settings("budget")
class BudgetSettings:
    """How many clips a stage may lose in a shard before it warns, or stops with one sentence."""

    always_allowed: CountOrZero = 3
    """So many clips may fail, and so many be filtered, however small the shard."""
    failed_fraction: Share = 0.05
    """Share of a shard's clips that may fail."""
    filtered_fraction: Share = 0.5
    """Share of a shard's clips that may be filtered."""
    strict: Annotated[tuple[Dataset, ...], Field(json_schema_extra=_UNIQUE)] | None = None
    """Datasets whose stages stop when more is lost; those of others warn and go on with what is left. null for those
    that are complete as published, which is all but folder."""


@settings("audio")
class AudioSettings:
    """Sound and its features."""

    bands: Annotated[int, Field(ge=8, le=128)] = 80
    """Bands of the mel filterbank."""
    silence_dbfs: Annotated[float, Field(le=0)] = -60.0
    """Clips whose loudest 40 ms stay below this level (decibels of full scale) are filtered as silent."""


@settings("quality")
class QualitySettings:
    """The report on a prepared dataset."""

    worst_clips: Annotated[int, Field(ge=1, le=100)] = 10
    """So many of the clips that differ most are listed and shown."""
    max_tiles: Annotated[int, Field(ge=1, le=1000)] = 100
    """Faces on the contact sheet at most, one a speaker."""


@settings("methods.NAME")
class MethodSettings:
    """One method. Those of kind model also need run, gpus and sampling, those of kind videos also path."""

    kind: Literal["model", "videos", "ground_truth", "frozen_first_frame", "ground_truth_of_another"]
    """A trained model, videos that were made elsewhere, the ground truth itself, its first frame held still, or the
    true video of another clip under the sound of this one: what a lively mouth scores that says something else."""
    path: Annotated[str | None, OPTIONAL] = None
    """Folder of the videos of kind videos, or one with a subfolder for each dataset: square, named by clip (CLIP.mp4),
    showing what the clip's crop shows from its first frame on. They are brought to 25 frames a second by the nearest
    frame and to the crop's size, cut where they are longer, and their last frame repeated up to 5 times; shorter ones
    and missing ones are counted as not measured."""
    run: Annotated[str | None, OPTIONAL] = None
    """The run whose model samples."""
    gpus: Annotated[CountOrZero | None, OPTIONAL] = None
    """GPUs that the job asks the cluster for."""
    sampling: Annotated[SamplingSettings | None, OPTIONAL] = None

    def __post_init__(self):
        for key in {"model": ("run", "gpus", "sampling"), "videos": ("path",)}.get(self.kind, ()):
            if getattr(self, key) is None:
                raise UserError(f"config key methods.NAME.{key} is missing.")


@settings("metrics")
class MetricsSettings:
    """Measurements of videos. Their landmarks are found by track.backend, which found those that they are compared
    with."""

    published_blinks: bool = False
    """Also count blinks with dlib's predictor, as the tool that the paper's authors name does. Needs pip install
    'dheads[published-blinks]'; the predictor was learnt on iBUG 300-W, which is not for commercial use."""
    identity: bool = False
    """Also measure CSIM and ACD with dlib's 128-d face embedding, see docs/metrics.md. Needs pip install
    'dheads[identity]'."""
    sync_encoder: str | None = None
    """Sync encoder that measures sync confidence and offset; never one that a run's audio encoder starts from. Null
    leaves these columns out."""


@settings("strips")
class StripsSettings:
    """Frame strips, ground truth over a method."""

    every_n_frames: Count = 5
    """Every so many frames are shown."""
    max_frames: Count = 14
    """Pictures of a clip at most."""
    clips: Count = 4
    """Clips of a shard at most."""


@settings("table1")
class TableSettings:
    """The table."""

    reference: str = "ours"
    """Method that the others' differences are taken from, clip by clip."""


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
    """Corpora that are prepared and evaluated."""
    clips: str | None = None
    """Folder with your videos, for the dataset folder; relative to the work directory or to where the command is
    given."""
    model: str | None = None
    """An export (model.safetensors) of an earlier run; given, nothing is trained and every method of kind model samples
    from it."""
    published_audio_encoder: str | None = None
    """The audio_encoder.pt of the published release, for runs with network.audio_encoder published, and for a model
    given as model that was imported without its layers."""
    seed: CountOrZero = 2137
    """Seed of sampling; each clip and frame derives its own from it, the same for every method, so that differences
    clip by clip are those of the methods and not of the noise."""


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
    budget: BudgetSettings = BudgetSettings()
    track: TrackSettings = TrackSettings()
    align: AlignSettings = AlignSettings()
    crop: CropSettings = CropSettings()
    landmark: RedetectSettings = RedetectSettings()
    audio: AudioSettings = AudioSettings()
    quality: QualitySettings = QualitySettings()
    runs: dict[Name, RunSettings] = dataclasses.field(default_factory=lambda: {"ours": RunSettings()})
    """Trainings, each a named configuration; settings never stand in file names."""
    training_seeds: dict[str, Seeds] = dataclasses.field(default_factory=dict)
    """Seeds with which a run is trained, by its name: its own (runs.NAME.training.seed) and others. Each other one makes
    a run and methods of its own, ours_seed2 beside ours, with a row each in the table; results/seeds.md has their mean
    and spread."""
    sync_encoders: dict[Name, SyncSettings] = dataclasses.field(default_factory=_two_encoders)
    """Pairs of small encoders that tell which moving mouth goes with which sound (docs/sync.md), each a named
    configuration, trained on a dataset where runs.NAME.audio_encoder_from or metrics.sync_encoder names it."""
    methods: dict[Name, MethodSettings] = dataclasses.field(default_factory=_methods)
    """Rows of the table."""
    metrics: MetricsSettings = MetricsSettings()
    strips: StripsSettings = StripsSettings()
    table1: TableSettings = TableSettings()

    def __post_init__(self):
        for key, values in {"datasets": self.datasets, "budget.strict": self.budget.strict}.items():
            _check_unlike(key, values or ())
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
            if not (item is None and kind is MethodSettings)
        }
    if isinstance(value, dict):
        return {name: _written(kind.__args__[1], item) for name, item in value.items()}
    if isinstance(value, tuple):
        return [_written(type(item), item) for item in value]
    return value
