# Functions that the rules share; standard library only, nothing here reads data or the network.
import functools
import os
from pathlib import Path

from dheads_model.errors import UserError
from dheads_model.fingerprint import digest
from workflow_scripts.config_check import check_config
from workflow_scripts.disk_need import check_disk
from workflow_scripts.planning import (
    KNOWN_DATASETS,
    as_json,
    crema_d_settings,
    given_path,
    lrw_settings,
    make_work_plan,
    short_hash,
)

try:
    check_config(config, f"{workflow.basedir}/config/schemas/config.schema.yaml")
    PLAN = make_work_plan(config)
except UserError as problem:
    raise SystemExit(f"error: {problem}")

# Jobs find this Python and this code wherever the work directory is.
shell.prefix(
    f"export PATH={os.path.dirname(sys.executable)}:$PATH " f"PYTHONPATH={workflow.basedir} PYTHONHASHSEED=0; "
)

# Digest of the clips of each shard: a change of the plan reruns only the shards that it alters.
MEMBERSHIPS = {
    dataset: {number: shard.membership for number, shard in shards.items()} for dataset, shards in PLAN.shards.items()
}
STAGES = ["source", "track", "align", "crop", "landmark", "audio"]


def state_disk_need():
    """Before the first job: say what room is needed, and stop when there is less."""
    try:
        print(check_disk(PLAN, os.getcwd()), file=sys.stderr)
    except UserError as problem:
        raise SystemExit(f"error: {problem}")


def absent_datasets():
    """What is said of datasets that the config lists and that are not here."""
    for name, why in PLAN.absent.items():
        print(f"dataset {name} is left out: {why}", file=sys.stderr)


def framing_of(dataset, block):
    """The config block align or crop of a dataset; LRW has a framing of its own."""
    return config[block] | ({"framing": config["lrw"]["framing"]} if dataset == "lrw" else {})


def framed(block):
    """Function from wildcards to the config block align or crop of their dataset as JSON."""
    return lambda wildcards: as_json(framing_of(wildcards.dataset, block))


def training_framing(dataset):
    """How the pictures that a model learns from were framed, to be kept in the model."""
    return as_json({block: framing_of(dataset, block) for block in ("align", "crop")})


def launcher(gpus):
    """What starts a training: Python, or torchrun with a process a GPU."""
    return f"torchrun --standalone --nproc-per-node {gpus}" if gpus > 1 else "python"


def benchmarked_run():
    """The run whose training is measured: the first that is trained, else the first of the config."""
    return (PLAN.trained_runs() or sorted(config["runs"]))[0]


def memory_of_run(run):
    """MB for a training: what its processes hold of decoded frames, and that of the validation, besides themselves."""
    return int(max(run["gpus"], 1) * (4000 + 1.25 * 1074 * run["training"]["in_memory_gib"]))


def settings(*path):
    """One config block as JSON, to be a rule's parameter."""
    block = config
    for key in path:
        block = block[key]
    return as_json(block)


def membership_in(dataset):
    """Function from wildcards to the digest of the clips of one shard."""
    return lambda wildcards: MEMBERSHIPS[dataset][wildcards.shard]


def all_memberships(dataset):
    """Digest of the whole plan of a dataset."""
    return short_hash(list(MEMBERSHIPS[dataset].values()))


# Keys of a corpus that decide which clips there are; hosts and patience do not, and the framing comes later.
PLANNED_KEYS = {"crema_d": ("path", "tables", "actors"), "lrw": ("path", "test_list")}


def plan_settings(dataset):
    """The config that decides which clips form which shard."""
    block = {key: config[key] for key in ("clips", "sharding")}
    found = {"crema_d": crema_d_settings, "lrw": lrw_settings}.get(dataset, lambda config: config[dataset])(config)
    block[dataset] = {key: value for key, value in found.items() if key in PLANNED_KEYS.get(dataset, found)}
    block["clips"] = given_path(config["clips"]) if config["clips"] else None
    block["model"] = bool(config["model"])
    block["runs"] = {name: {"min_clips": run["min_clips"]} for name, run in config["runs"].items()}
    return as_json(block)


def planned_counts(dataset):
    """Number of clips by split with which a dataset was planned."""
    return as_json({split: PLAN.count(dataset, split) for split in ("train", "val", "test")})


def fetched_corpus(dataset):
    """What must be here before a dataset's clips can be named; not a reason to plan it anew."""
    return [ancient("resources/lrw/fetched.json")] if dataset == "lrw" and not config["lrw"]["path"] else []


def plan_files(dataset):
    """Plan files of all shards of a dataset."""
    return [f"resources/{dataset}/plan/{number}.json" for number in PLAN.numbers(dataset)]


def shard_manifest(dataset, number):
    """Manifest of one packed shard."""
    return f"resources/{dataset}/shards/{PLAN.shards[dataset][number].split}/{number}.json"


def shard_manifests(dataset):
    """Manifests of all packed shards of a dataset."""
    return [shard_manifest(dataset, number) for number in PLAN.numbers(dataset)]


def quality_tables(dataset):
    """Quality of the clips of all shards of a dataset."""
    return [f"resources/{dataset}/quality/{number}.parquet" for number in PLAN.numbers(dataset)]


def all_quality_pages():
    """Quality reports of all datasets."""
    return [f"results/quality/{dataset}/quality.md" for dataset in PLAN.shards]


def stage_manifests(dataset):
    """Manifests of all stages of all shards of a dataset."""
    return [
        f"resources/{dataset}/{stage}/{number}.json" for stage in STAGES for number in PLAN.numbers(dataset)
    ] + shard_manifests(dataset)


def all_indexes():
    """Indexes of all datasets."""
    return [f"resources/{dataset}/index.json" for dataset in PLAN.shards]


def all_loss_curves():
    """Loss curves of the runs that are trained here."""
    return [f"results/runs/{run}/loss.png" for run in PLAN.trained_runs()]


def all_metrics():
    """Per-clip metrics of every evaluated method on every test shard."""
    return [
        f"results/metrics/{method}/{dataset}/{number}.json"
        for method in PLAN.methods()
        for dataset in PLAN.shards
        for number in PLAN.numbers(dataset, "test")
    ]


def all_strips():
    """Frame strips of every method that generates, on every test shard."""
    return [
        f"results/strips/{method}_{dataset}_{number}.png"
        for method in PLAN.methods()
        if config["methods"][method]["kind"] not in ("ground_truth", "ground_truth_of_another")
        for dataset in PLAN.shards
        for number in PLAN.numbers(dataset, "test")
    ]


def methods_of_kind(*kinds):
    """Names of the configured methods of some kinds."""
    return [name for name, method in config["methods"].items() if method["kind"] in kinds]


def videos_settings(method):
    """The config block of a method whose videos were made elsewhere, with the folder where they are."""
    block = config["methods"][method]
    return block | {"path": given_path(block["path"])}


@functools.cache
def listing_of(folder):
    """Digest of the names, sizes and times of a folder's files and those of its subfolders: what was put there anew."""
    entries = []
    for place in sorted({folder, *(entry.path for entry in os.scandir(folder) if entry.is_dir())}):
        for entry in sorted(os.scandir(place), key=lambda entry: entry.name):
            if entry.is_file():
                facts = entry.stat()
                entries.append([entry.path, facts.st_size, facts.st_mtime_ns])
    return short_hash(entries)


def table_settings():
    """The table's config with its rows in the order of the config, and why others are missing."""
    rows = [[name, method["kind"]] for name, method in config["methods"].items()]
    return as_json(config["table1"] | {"methods": rows, "missing": PLAN.missing_methods(), "absent": PLAN.absent})


def provenance_input():
    """What made the results: the whole config and the digest of the code behind every rule."""
    scripts = sorted(path.stem for path in Path(workflow.basedir, "workflow_scripts").glob("*_*.py"))
    code = {name: digest(f"workflow_scripts.{name}") for name in scripts}
    return as_json({"config": config, "code": code})


def weights_of_back_end():
    """Files that the landmark back end loads."""
    names = {"mediapipe": [], "face-alignment": ["2DFAN4-11f355bf06.pth.tar", "s3fd-619a316812.pth"]}
    return [f"resources/weights/{name}" for name in names[config["track"]["backend"]]]


def measuring_settings():
    """How videos are measured: the landmark back end, and what is measured on request."""
    block = {key: config["track"][key] for key in ("backend", "precision")}
    return as_json(block | {"published_blinks": config["metrics"]["published_blinks"]})


def published_audio_encoder():
    """The file that the config names as such, if any."""
    return given_path(config["published_audio_encoder"]) if config["published_audio_encoder"] else []


def encoder_of_run(wildcards):
    """The same for a run that hears by it."""
    published = config["runs"][wildcards.run]["network"]["audio_encoder"] == "published"
    return published_audio_encoder() if published else []


def model_of(wildcards):
    """The export that a method samples from."""
    return model_of_method(wildcards.method)


def model_of_method(method):
    """The same by name: the one given in the config, else the one its run trains."""
    if config["model"]:
        return given_path(config["model"])
    return f"results/runs/{config['methods'][method]['run']}/model.safetensors"


def benchmarked_method():
    """The method whose sampling is measured: the first of kind model that gets a row."""
    found = [name for name in PLAN.methods() if config["methods"][name]["kind"] == "model"]
    if not found:
        raise WorkflowError("no method of kind model gets a row: " + "; ".join(PLAN.missing_methods().values()))
    return found[0]


def benchmarked_shards():
    """Test shards of the dataset of that method's run."""
    dataset = config["runs"][config["methods"][benchmarked_method()]["run"]]["dataset"]
    return [shard_manifest(dataset, number) for number in PLAN.numbers(dataset, "test")]


def audio_encoder_of(wildcards):
    """The sync encoder that a run's audio encoder starts from, if any."""
    run = config["runs"][wildcards.run]
    name = run.get("audio_encoder_from")
    return sync_encoder(run["dataset"], name) if name else []


def state_of_run(wildcards):
    """Folder of a run's training state; another config, also of what it starts from, is another folder."""
    run = config["runs"][wildcards.run]
    name = run.get("audio_encoder_from")
    about = [run, config["sync_encoders"][name]] if name else run
    return f"state/{wildcards.run}-{short_hash(about)}"


def sync_encoder(dataset, name):
    """A sync encoder trained on a dataset."""
    return f"results/sync_encoders/{dataset}/{name}/encoder.safetensors"


def sync_scorer(wildcards):
    """The sync encoder that videos of a dataset are measured with; none where it cannot be trained."""
    if PLAN.sync_refusal(wildcards.dataset):
        return []
    return sync_encoder(wildcards.dataset, config["metrics"]["sync_encoder"])


def all_sync_metrics():
    """Per-clip sync of every evaluated method on every test shard, where the config asks for it."""
    if config["metrics"]["sync_encoder"] is None:
        return []
    return [path.replace("results/metrics/", "results/sync/") for path in all_metrics()]
