# Functions that the rules share; nothing here reads data or the network.
import functools
import json
import os
from pathlib import Path

from dheads_model.config import as_json, short_hash
from dheads_model.corpora.given_path import given_path
from dheads_model.corpora.registry import DATASETS
from dheads_model.distilled_runs import lineage
from dheads_model.errors import EXIT_USER_ERROR, UserError
from dheads_model.fingerprint import digest
from dheads_model.media.forced_alignment import is_installed
from dheads_model.method_kinds import LINEAR_REGRESSION, REAL, WITHOUT_VIDEOS
from dheads_model.metrics.distance_registry import DISTANCES
from dheads_model.metrics.registry import requested_metrics
from dheads_model.metrics.set_distance import FOLDER as DISTANCES_FOLDER
from workflow_scripts.claim_gpus import visible_gpus
from workflow_scripts.planning.ablation import ablation_rows, with_ablation
from workflow_scripts.planning.config_check import check_config, fill_config
from workflow_scripts.planning.config_text import spread_dots
from workflow_scripts.planning.deployment import check_deployment
from workflow_scripts.planning.disk_need import check_disk, check_writable
from workflow_scripts.planning.failures import tell_at_exit
from workflow_scripts.planning.folder_lock import hold_folder
from workflow_scripts.planning.job_resources import (
    FACE_ALIGNMENT_SECONDS,
    SECONDS_PER_CLIP,
    at_most,
    cores_of_largest_node,
    memory,
    minutes,
    minutes_for,
    srun_options,
    threads_of_training,
)
from workflow_scripts.planning.job_shell import job_prefix, leave_warnings_to_commands
from workflow_scripts.planning.kept_outlines import keep_outlines, kept_outlines
from workflow_scripts.planning.own_errors import attempt_of, check_attempt, mark_of, marking_shell
from workflow_scripts.planning.plan import input_path, make_work_plan
from workflow_scripts.planning.products import shown_table, where_to_look
from workflow_scripts.planning.run_record import write_record
from workflow_scripts.planning.time_need import time_need, time_sentence
from workflow_scripts.planning.shards import outline_dataset
from workflow_scripts.planning.training_seeds import repeats_of, with_seeds
from workflow_scripts.planning.unused_gpus import unused_gpus
from workflow_scripts.planning.weights import computed_distances, files_of, uncomputed_distances


def refuse(problem):
    """End with one sentence and the exit code that every command of the project has for it."""
    print(f"error: {problem}", file=sys.stderr)
    raise SystemExit(EXIT_USER_ERROR)


def option_names(values):
    """Names of the values of an option of Snakemake, as on its command line."""
    return [value.name.lower().replace("_", "-") for value in values]


try:
    check_deployment(
        option_names(workflow.deployment_settings.deployment_method),
        option_names(workflow.storage_settings.shared_fs_usage),
    )
    fill_config(config, f"{PROJECT}/config/config.yaml")
    spread_dots(config, workflow.config_settings.config)
    check_config(config)
    check_writable(os.getcwd())
    config.update(with_seeds(with_ablation(config)))
    # Jobs on other nodes read the Snakefile again; they take what was planned.
    PLAN = make_work_plan(config, outline_dataset if workflow.is_main_process else kept_outlines)
    JOB_MARK = None if workflow.is_main_process else mark_of(sys.argv)
    if JOB_MARK:
        check_attempt(JOB_MARK, attempt_of(sys.argv))
    leave_warnings_to_commands()
    shell.prefix(job_prefix(PROJECT, marking_shell(JOB_MARK) if JOB_MARK else ""))
except UserError as problem:
    refuse(problem)

STAGES = ["source", "track", "align", "crop", "landmark", "audio"]


def framing_of(dataset, block):
    """The config block align or crop of a dataset, with the dataset's framing."""
    framing = DATASETS[dataset].framing(config)
    return config[block] | ({"framing": framing} if framing else {})


def framed(block):
    """Function from wildcards to the config block align or crop of their dataset as JSON."""
    return lambda wildcards: as_json(framing_of(wildcards.dataset, block))


def training_framing(dataset):
    """How the training crops were framed, for the export."""
    return as_json({block: framing_of(dataset, block) for block in ("align", "crop")})


def sampling_of_run(run):
    """Sampling settings of the methods that use a run's model, for the export, as JSON."""
    methods = config["methods"].items()
    return as_json({name: method["sampling"] for name, method in methods if method.get("run") == run})


def on_gpus(gpus):
    """Beginning of a command that computes on GPUs: it claims them where no scheduler gave them."""
    return f"python -m workflow_scripts.claim_gpus {gpus} " if gpus else ""


def launcher(gpus, resources):
    """Command that starts a training: Python, or torchrun's launcher with one process per GPU.

    A profile that sets the resource mpi (srun) has the scheduler start the processes, on several nodes too.
    """
    if resources.get("mpi"):
        options = srun_options(gpus, resources.nodes, resources.get("cpus_per_task") or threads_of_training(1))
        return f"{resources.mpi} {options} python -m workflow_scripts.slurm_rank"
    return on_gpus(gpus) + (f"python -m workflow_scripts.launch_processes {gpus}" if gpus > 1 else "python")


def benchmarked_run():
    """The run whose training is measured: the first that is trained, else the first of the config."""
    return (PLAN.trained_runs() or sorted(config["runs"]))[0]


def settings(*path):
    """One config block as JSON, to be a rule's parameter."""
    block = config
    for key in path:
        block = block[key]
    return as_json(block)


def budget_in(dataset):
    """How many clips a stage of a dataset may lose, and whether more of them stop it."""
    listed = config["budget"]["strict"]
    return as_json(config["budget"] | {"strict": DATASETS[dataset].strict if listed is None else dataset in listed})


def budget_of(wildcards):
    """How many clips a stage of a job's dataset may lose, and whether more of them stop it."""
    return budget_in(wildcards.dataset)


def first_to_last(numbers):
    """The first and the last of some numbers in words; one number alone, and none without any."""
    return " to ".join(dict.fromkeys([*numbers[:1], *numbers[-1:]])) or "none"


def shard_of(dataset, number, *splits):
    """A planned shard; ends with a sentence if a target names one that the dataset, or the given splits of it, lack."""
    shard = PLAN.shards[dataset].get(number)
    if shard is None or (splits and shard.split not in splits):
        known = PLAN.numbers(dataset, *splits)
        refuse(f"dataset {dataset} has no {' '.join([*splits, 'shard'])} {number}; it has {first_to_last(known)}")
    return shard


def membership_in(dataset):
    """Function from wildcards to the digest of the clips of one shard: a change of the plan reruns only the shards that it
    alters."""
    return lambda wildcards: shard_of(dataset, wildcards.shard).membership


def planning_of(dataset):
    """Function that gives the config that decides which clips form which shard, as JSON.

    It takes `output`, so Snakemake does not track it: what counts is the membership that follows from it.
    """
    return lambda wildcards, output: as_json(DATASETS[dataset].planning(config))


def hosts_of(dataset):
    """Function that gives how the files of a dataset are fetched, as JSON. It takes `output` for the same reason."""
    return lambda wildcards, output: as_json(DATASETS[dataset].source.hosts(config))


def fetched_corpus(dataset):
    """Files that must exist before the clips of a dataset can be listed; their age does not rerun the preparation."""
    fetch = DATASETS[dataset].fetch
    if not fetch or not fetch.needed(config):
        return []
    if fetch.part is None:
        return [ancient(fetch.product)]
    return lambda wildcards: ancient(fetch.product.format(part=fetch.part(config, wildcards.shard)))


def of_part(fetch):
    """End of the path of a log whose job fetches one part of a corpus; "" for a whole corpus."""
    return os.sep.join(("", "{part}")) if fetch.part else ""


def part_option(wildcards):
    """Option of a command that fetches one part of a corpus; "" for a whole corpus."""
    return f"--part {wildcards.part}" if "part" in wildcards.keys() else ""


def fetch_settings(dataset):
    """Function that gives how a corpus is downloaded, as JSON; it takes `output`, so Snakemake does not track it."""
    return lambda wildcards, output: as_json(DATASETS[dataset].fetch.settings(config))


def source_recipe(dataset):
    """What the source stage of a dataset keeps of its settings in its recipes."""
    source = DATASETS[dataset].source
    return (source.recipe or source.settings)(config)


def plan_files(dataset):
    """Plan files of all shards of a dataset."""
    return [f"resources/{dataset}/plan/{number}.json" for number in PLAN.numbers(dataset)]


def shard_manifest(dataset, number):
    """Manifest of one packed shard."""
    return f"resources/{dataset}/shards/{shard_of(dataset, number).split}/{number}.json"


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


def metrics_of(methods):
    """Per-clip metrics of some methods on every test shard."""
    return [
        f"results/metrics/{method}/{dataset}/{number}.json"
        for method in methods
        for dataset in PLAN.shards
        for number in PLAN.evaluated(dataset)
    ]


def all_metrics():
    """Per-clip metrics of every method that has a row, on every test shard."""
    return metrics_of(PLAN.methods())


def metrics_of_videos():
    """Per-clip metrics of every method that makes videos, on every test shard."""
    return metrics_of(PLAN.methods_with_videos())


def subset_of(wildcards):
    """The subset of a test shard's clips that get videos, as JSON; null for all."""
    return as_json(PLAN.subset(wildcards.dataset, wildcards.shard))


def sampling_parts(dataset, number):
    """{number of a sampling job: [its first clip, how many]} of a test shard; ends with a sentence if there is none."""
    shard_of(dataset, number, "test")
    return PLAN.sampling_parts(dataset, number)


def parts_of_videos(method, dataset, number):
    """Manifests of the sampling jobs of a method on a test shard."""
    parts = sampling_parts(dataset, number)
    return [f"results/videos/{method}/{dataset}/parts/{number}.{part}.json" for part in parts]


def slice_of_part(wildcards):
    """First clip and number of clips of a sampling job, as arguments; ends with a sentence if the job is not planned."""
    dataset, number, part = wildcards.dataset, wildcards.shard, wildcards.part
    parts = sampling_parts(dataset, number)
    if part not in parts:
        refuse(f"shard {number} of dataset {dataset} has no sampling job {part}; it has {first_to_last(list(parts))}")
    return parts[part]


def sampled_parts(wildcards):
    """Manifests of the sampling jobs of a job's method and test shard."""
    return parts_of_videos(wildcards.method, wildcards.dataset, wildcards.shard)


def all_distances():
    """Distances of every evaluated method from the real clips of every dataset with a test split."""
    return [
        f"results/distances/{name}/{method}/{dataset}.json"
        for name in computed_distances(config)
        for method in PLAN.methods_with_videos()
        for dataset in PLAN.shards
        if PLAN.evaluated(dataset)
    ]


def features_of(distance, method, dataset):
    """Manifests of the features of a method's videos of a dataset, for one distance."""
    folder = f"results/features/{distance}/{method}/{dataset}"
    return [f"{folder}/{number}.json" for number in PLAN.evaluated(dataset)]


@functools.cache
def distance_settings(name):
    """What decides the features of a distance: its module with all that it imports, and its keys of the config.

    Without the code of the figures, which measure_distances reaches by itself.
    """
    without = ("dheads_model.metrics.distribution",)
    options = {key: config["metrics"][key] for key in DISTANCES[name].settings}
    return {"distance": name, "network_code": digest(f"{DISTANCES_FOLDER}.{name}", without)} | options


def all_strips():
    """Frame strips of every method that generates, on every test shard."""
    return [
        f"results/strips/{method}_{dataset}_{number}.png"
        for method in PLAN.methods_with_videos()
        if config["methods"][method]["kind"] not in REAL
        for dataset in PLAN.shards
        for number in PLAN.evaluated(dataset)
    ]


def repeats():
    """{method: [[name, training seed]]} of the methods whose run is trained with several seeds, and that get a row."""
    shown = PLAN.methods()
    found = {method: [pair for pair in repeats_of(method, config) if pair[0] in shown] for method in shown}
    if not any(found.values()):
        raise WorkflowError(
            "no run is trained with several seeds: add --configfile config/seeds.yaml, or name some in training_seeds."
        )
    return {method: pairs for method, pairs in found.items() if pairs}


def ablation():
    """{method, and the varied settings} of each row of table 3 that has videos."""
    shown = PLAN.methods()
    found = [row for row in ablation_rows(config) if row["method"] in shown]
    if not found:
        raise WorkflowError(
            "no run is trained for table 3: add --configfile config/ablation.yaml, or name a run in ablation.run that a "
            "method uses and that has enough clips."
        )
    return found


def videos_of(methods, dataset):
    """Manifests of the videos of some methods, on the test shards of which clips get videos."""
    return [
        f"results/videos/{method}/{dataset}/{number}.json" for method in methods for number in PLAN.evaluated(dataset)
    ]


def all_videos(dataset):
    """Manifests of the test videos of all methods that get a row."""
    return videos_of(PLAN.methods_with_videos(), dataset)


def all_tables():
    """The tables that the config has: table 1, and with their blocks those of seeds, ablation and votes."""
    further = {
        "seeds": config["training_seeds"],
        "table3": config["ablation"]["run"],
        "table2": config["opinion_study"]["votes"],
    }
    return [f"results/{name}.csv" for name in ["table1", *(name for name, asked in further.items() if asked)]]


def methods_with_videos():
    """Names of the configured methods that make videos."""
    return [name for name, method in config["methods"].items() if method["kind"] not in WITHOUT_VIDEOS]


def methods_of_kind(*kinds):
    """Names of the configured methods of some kinds."""
    return [name for name, method in config["methods"].items() if method["kind"] in kinds]


def videos_settings(method):
    """The config block of a method whose videos were made elsewhere, with the folder where they are."""
    block = config["methods"][method]
    return block | {"path": given_path(block["path"])}


@functools.cache
def listing_of(folder):
    """Digest of the names, sizes and times of a folder's files and those of its subfolders; it changes with new videos."""
    entries = []
    for place in sorted({folder, *(entry.path for entry in os.scandir(folder) if entry.is_dir())}):
        for entry in sorted(os.scandir(place), key=lambda entry: entry.name):
            if entry.is_file():
                facts = entry.stat()
                entries.append([entry.path, facts.st_size, facts.st_mtime_ns])
    return short_hash(entries)


def listing_below(folder):
    """Digest of the names, sizes and times of all files below a folder."""
    facts = []
    for place, _, names in os.walk(folder):
        for path in (os.path.join(place, name) for name in names):
            facts.append([path, os.path.getsize(path), os.stat(path).st_mtime_ns])
    return short_hash(sorted(facts))


def table_settings():
    """The table's config with its rows in the order of the config, and why others are missing."""
    rows = [[name, method["kind"]] for name, method in config["methods"].items()]
    notes = {name: [DATASETS[name].note, PLAN.subset_note(name)] for name in PLAN.shards}
    dataset_notes = {name: " ".join(filter(None, found)) for name, found in notes.items() if any(found)}
    return as_json(
        config["table1"]
        | {"methods": rows, "missing": PLAN.missing_methods(), "absent": PLAN.absent, "dataset_notes": dataset_notes}
        | {"uncomputed": uncomputed_distances(config)}
    )


def memberships_of(dataset):
    """Digest of the clips of all shards of a dataset."""
    return short_hash([shard.membership for shard in PLAN.shards[dataset].values()])


def provenance_input():
    """Provenance of the results: the whole config and the digest of the code of every command below table 1."""
    commands = {part["command"] for part in planned_products().values()}
    code = {name: digest(f"workflow_scripts.{name}") for name in sorted({*commands, "write_table1"})}
    return as_json({"config": config, "code": code})


def weights_of_back_end():
    """Files that the landmark back end loads."""
    names = {"mediapipe": [], "face-alignment": ["2DFAN4-11f355bf06.pth.tar", "s3fd-619a316812.pth"]}
    return [f"resources/weights/{name}" for name in names[config["track"]["backend"]]]


def measuring_settings():
    """How videos are measured: the landmark detector of the ground truth, and what is measured on request."""
    block = {key: config["track"][key] for key in ("backend", "precision")}
    elsewhere = ("sync_encoder", "distances", "fvd", "require")
    return block | {key: value for key, value in config["metrics"].items() if key not in elsewhere}


def weights_of_measuring():
    """Files that the landmark back end and the metrics load; not those of metrics that are not computed without them."""
    metrics = requested_metrics(measuring_settings()).values()
    found = [path for metric in metrics for path in files_of(metric.weights, config)]
    return weights_of_back_end() + list(dict.fromkeys(found))


def phones_of_measuring(suffix):
    """Phone times of a test shard, where a metric needs them."""
    return [f"resources/{{dataset}}/phones/{{shard}}.{suffix}"] if config["metrics"]["lips_meet"] else []


def test_shards(dataset):
    """Manifests of the packed test shards of a dataset."""
    return [shard_manifest(dataset, number) for number in PLAN.numbers(dataset, "test")]


def phones_of_dataset(dataset):
    """Phone times of its test shards, where a metric needs them."""
    return [
        path.format(dataset=dataset, shard=n)
        for n in PLAN.numbers(dataset, "test")
        for path in phones_of_measuring("json")
    ]


def aligner_settings():
    """Whether transcripts can be aligned: phones are timed again once the extra is installed."""
    return as_json({"aligner": is_installed()})


def published_audio_encoder():
    """The file that the config names as such, if any."""
    return input_path(config["published_audio_encoder"]) if config["published_audio_encoder"] else []


def encoder_of_run(wildcards):
    """The published audio encoder's file, for a run that has that encoder."""
    published = config["runs"][wildcards.run]["network"]["audio_encoder"] == "published"
    return published_audio_encoder() if published else []


def model_of(wildcards):
    """The export that a method samples from."""
    return model_of_method(wildcards.method)


def model_of_method(method):
    """The export of a method by its name: the one given in the config, else the one its run trains."""
    if config["model"]:
        return input_path(config["model"])
    return f"results/runs/{config['methods'][method]['run']}/model.safetensors"


def checksum_of(wildcards):
    """Checksum file of the export that a method samples from, where it is trained here."""
    return [] if config["model"] else f"results/runs/{config['methods'][wildcards.method]['run']}/model.sha256"


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


def teacher_of(run):
    """The model that a distilled run learns from, in a list; none for other runs."""
    return [f"results/runs/{teacher}/model.safetensors" for teacher in lineage(config, run)[1:2]]


def state_of_run(wildcards):
    """Folder of a run's training states: another config, other data or other code have another folder in it."""
    return f"state/{wildcards.run}"


def sync_encoder(dataset, name):
    """A sync encoder trained on a dataset."""
    return f"results/sync_encoders/{dataset}/{name}/encoder.safetensors"


def sync_scorer(wildcards):
    """The sync encoder that videos of a dataset are measured with; none where it cannot be trained."""
    if PLAN.sync_refusal(wildcards.dataset):
        return []
    return [sync_encoder(wildcards.dataset, config["metrics"]["sync_encoder"])]


def all_sync_metrics():
    """Per-clip sync of every evaluated method on every test shard, if the config enables it."""
    if config["metrics"]["sync_encoder"] is None:
        return []
    return [path.replace("results/metrics/", "results/sync/") for path in metrics_of_videos()]
