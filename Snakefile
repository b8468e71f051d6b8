# Diffused Heads, from raw talking-face video to tables. Data flow:
#
#   corpus -> plan -> source -> track -> align -> crop -> landmark -> shard -> train -> sample -> measure -> table
#                                        `----> audio ------------>'
# Paths (wildcards: dataset, split, shard = five digits, run, method; settings never stand in file names):
#
#   resources/{dataset}/plan/{shard}.json            which clips form a shard
#   resources/{dataset}/{stage}/{shard}.json         manifest of a stage, written last: every clip with status and reason
#   resources/{dataset}/{stage}/{shard}.parquet|tar  what the stage made; stage: source track align crop landmark audio
#   resources/{dataset}/shards/{split}/{shard}.tar   WebDataset shard, its manifest beside it
#   resources/{dataset}/phones/{shard}.parquet       phone times of a test shard
#   resources/{dataset}/index.json                   all shards with sha256: what training reads
#   results/quality/{dataset}/                       contact sheet, histograms, the clips that differ most
#   results/audio_reference/{dataset}.json           how well audio features predict the mouth, by a ridge regression
#   results/runs/{run}/model.safetensors             export, with model.json, training.jsonl, loss.png
#   results/sync_encoders/{dataset}/{encoder}/       encoder.safetensors, if the config uses it
#   results/videos/{method}/{dataset}/{clip}.mp4     videos, with a manifest {shard}.json; of sampling jobs parts/{shard}.{part}.json
#   results/metrics/{method}/{dataset}/{shard}.parquet   one row a clip and metric; results/sync/ likewise
#   results/features/{distance}/{method}/{dataset}/{shard}.parquet   features of the videos, for distances between sets
#   results/distances/{distance}/{method}/{dataset}.json   distance of a method from the real clips
#   results/per_speaker.csv, results/bad_videos/{dataset}.csv .md   means of each speaker; metrics of bad videos
#   results/table1.csv .md .tex .html .provenance.json, results/table2.*, table3.*, seeds.*, results/strips/, results/data_card.csv .md, results/benchmarks/
#   results/opinion_study/index.html, results/figures/   page for raters; figures of all methods
#   results/gallery/index.html                       page that plays all methods side by side; its files in page/
#   *.recipe.json                                    beside each manifest, index and model: settings, code, inputs
#   state/{run}/{identity}/                          training state, undeclared: the same command resumes
#   state/sample_videos/{method}/{dataset}/          which videos are finished, likewise
#   logs/{rule}/, benchmarks/{rule}/                 of each job
import sys

from snakemake.utils import min_version

min_version("9.27")
# Not workflow.basedir: if another workflow uses this one as a module, that is the folder of the other one.
PROJECT = str(workflow.current_basedir)
sys.path.insert(0, PROJECT)

from workflow_scripts.planning.screen import begin_watch, open_screen

SCREEN = open_screen(workflow, f"{PROJECT}/Snakefile", lambda: tell_results())


configfile: f"{PROJECT}/config/config.yaml"


report: "config/report/workflow.rst"


include: "rules/common.smk"
include: "rules/messages.smk"
include: "rules/resources.smk"
include: "rules/pages.smk"
include: "rules/chain.smk"
include: "rules/corpus.smk"
include: "rules/faces.smk"
include: "rules/shards.smk"
include: "rules/train.smk"
include: "rules/sync.smk"
include: "rules/sample.smk"
include: "rules/metrics.smk"
include: "rules/distances.smk"
include: "rules/tables.smk"
include: "rules/figures.smk"
include: "rules/opinion.smk"
include: "rules/gallery.smk"
include: "rules/benchmarks.smk"


onstart:
    check_shared_folder()
    hold_work_folder()
    keep_plan()
    LOSSES.keep()
    absent_datasets()
    tell_the_plan(log)


onsuccess:
    tell_the_end("done")
    tell_results(workflow.start_time.timestamp())


onerror:
    tell_the_end("stopped")
    tell_at_exit(log)


wildcard_constraints:
    # By name, since crema_d after a method's name and "_" could also be read as the dataset d, and a name that the config
    # does not have is "No rule to produce" instead of a KeyError in some input function.
    dataset="|".join(DATASETS),
    split="train|val|test",
    shard=r"\d{5}",
    run="|".join(config["runs"]),
    method="|".join(config["methods"]),
    encoder="|".join(config["sync_encoders"]),
    part="[A-Za-z0-9_-]+",
    distance="|".join(DISTANCES),


rule all:
    default_target: True
    input:
        "results/table1.csv",
        "results/data_card.csv",
        "results/gallery/index.html",
        strips=all_strips(),
        curves=all_loss_curves(),
    localrule: True


rule prepare:
    """All shards, without training."""
    input:
        indexes=all_indexes(),
        card="results/data_card.csv",
        quality=all_quality_pages(),
    localrule: True


rule benchmarks:
    """Speed benchmarks against plain alternatives, in results/benchmarks/."""
    input:
        "results/benchmarks/preparation.json",
        "results/benchmarks/throughput.json",
        "results/benchmarks/metrics.json",
        "results/benchmarks/loader.json",
        "results/benchmarks/training.json",
        "results/benchmarks/planning.json",
        "results/benchmarks/sampling.json",
        "results/benchmarks/steps.json",
    localrule: True
