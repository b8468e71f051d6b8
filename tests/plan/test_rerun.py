"""What a dry run would do after each kind of change, against one finished run.

The tiny run has three shards, one a split; a change of a station must rerun that station, all below it, and no other.
"""

import json
import os

import pytest

from tests.conftest import TINY, FinishedRun
from tests.workflow import edit, plan

pytestmark = pytest.mark.slow

TABLE = {"write_table1": 1, "write_gallery": 1}
MEASURE = {"measure_videos": 3, "draw_strips": 2} | TABLE
DISTANCES = {"extract_features": 3, "measure_distances": 3} | TABLE
SAMPLE = {
    "sample_videos": 1,
    "gather_videos": 1,
    "draw_strips": 1,
    "measure_videos": 1,
    "extract_features": 1,
    "measure_distances": 1,
} | TABLE
TRAIN = {"train_model": 1, "plot_training": 1} | SAMPLE
FROM_SHARDS = TRAIN | {"copy_reference": 2, "time_phones": 1, "measure_videos": 3, "draw_strips": 2} | DISTANCES
FROM_INDEX = TRAIN | {"index_shards": 1}
FROM_PACK = FROM_SHARDS | {"pack_shards": 3, "index_shards": 1, "write_data_card": 1}
FROM_AUDIO = FROM_PACK | {"extract_audio": 3}
FROM_LANDMARK = FROM_PACK | {"place_landmarks": 3}
FROM_CROP = FROM_LANDMARK | {"crop_faces": 3}
FROM_ALIGN = FROM_CROP | {"align_faces": 3, "extract_audio": 3}
FROM_TRACK = FROM_ALIGN | {"track_faces": 3}
FROM_SOURCE = FROM_TRACK | {"synthesise_clips": 3}


@pytest.fixture(scope="module")
def run(finished, tmp_path_factory) -> FinishedRun:
    """A copy of the finished run, times kept, whose code may be edited."""
    return finished.copied(tmp_path_factory.mktemp("rerun"))


def planned(run, *arguments):
    return plan(run.project, run.work, "--configfile", str(TINY), *arguments)


@pytest.fixture
def edited(run):
    """Append a line of code to a module; everything is put back afterwards."""
    saved = {}

    def append(module, text="\nEDITED = 1\n"):
        path = run.project / module
        saved[path] = path.read_text()
        path.write_text(saved[path] + text)

    yield append
    for path, text in saved.items():
        path.write_text(text)


def test_a_second_run_plans_nothing(run):
    assert planned(run) == {}


def test_touching_every_source_file_plans_nothing(run):
    for path in run.project.rglob("*.py"):
        os.utime(path)
    assert planned(run) == {}


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("dheads_model/corpora/embedded/render.py", FROM_SOURCE),
        ("dheads_model/corpora/embedded/speak_espeak.py", FROM_SOURCE),
        ("workflow_scripts/track_faces.py", FROM_TRACK),
        ("dheads_model/faces/align.py", FROM_ALIGN),
        ("dheads_model/faces/crop.py", FROM_CROP),
        ("workflow_scripts/place_landmarks.py", FROM_LANDMARK),
        ("dheads_model/media/features.py", FROM_AUDIO),
        ("workflow_scripts/pack_shards.py", FROM_PACK),
        ("dheads_model/shards/index.py", FROM_INDEX | {"write_data_card": 1}),
        ("dheads_model/tables/data_card.py", {"write_data_card": 1}),
        ("dheads_model/training/loop.py", TRAIN),
        ("dheads_model/training/engine.py", TRAIN),
        ("dheads_model/stages/crop.py", FROM_CROP),
        ("dheads_model/tables/curves.py", {"plot_training": 1, "write_gallery": 1}),
        # The training draws previews with it; a finished one only writes its export again.
        ("dheads_model/diffusion/rollout.py", TRAIN),
        (
            "workflow_scripts/copy_reference.py",
            {"copy_reference": 2, "draw_strips": 2, "measure_videos": 2, "extract_features": 2, "measure_distances": 3}
            | TABLE,
        ),
        # The features of the sets of clips, their distances and the table: nothing is trained, sampled or measured again.
        ("dheads_model/metrics/networks/efficientnet_lite0.py", DISTANCES),
        ("dheads_model/metrics/distances/effnet_lite0.py", DISTANCES),
        ("dheads_model/metrics/distribution.py", {"measure_distances": 3} | TABLE),
        ("dheads_model/media/forced_alignment.py", {"time_phones": 1} | MEASURE),
        ("dheads_model/metrics/fidelity.py", MEASURE),
        ("dheads_model/metrics/per_clip/sharpness.py", MEASURE),
        ("dheads_model/tables/strips.py", {"draw_strips": 2, "write_gallery": 1}),
        ("dheads_model/tables/gallery_page/gallery.js", {"write_gallery": 1}),
        ("dheads_model/stages/gallery.py", {"write_gallery": 1}),
        ("dheads_model/tables/table1.py", TABLE),
    ],
)
def test_an_edit_reruns_its_station_and_what_is_below(run, edited, module, expected):
    edited(module)
    found = planned(run)
    # The table says which code made everything below it, so an edit there rewrites it: a second's work.
    beside = set(expected) <= {"write_data_card", "plot_training", "draw_strips", "write_gallery"}
    assert found == (expected if beside else expected | TABLE)


def test_a_new_distance_computes_its_own_features_only(run, tmp_path):
    """Its module is all that is written: schema, rules and table follow."""
    module = run.project / "dheads_model/metrics/distances/mean_colour.py"
    module.write_text((module.parent / "effnet_lite0.py").read_text().replace("_effnet_lite0", "_mean_colour"))
    (tmp_path / "overlay.yaml").write_text(json.dumps({"metrics": {"distances": ["effnet_lite0", "mean_colour"]}}))
    try:
        assert planned(run) == TABLE, "a column that no config asks for changes the code of the table only"
        assert planned(run, str(tmp_path / "overlay.yaml")) == DISTANCES
    finally:
        module.unlink()
    assert planned(run) == {}


def test_distances_without_weights_plan_no_fetch_and_no_features(run, tmp_path):
    (tmp_path / "overlay.yaml").write_text(
        json.dumps({"metrics": {"distances": ["effnet_lite0", "fid_tf1", "fvd_i3d"]}})
    )
    assert planned(run, str(tmp_path / "overlay.yaml")) == TABLE


def test_a_new_metric_measures_all_videos_and_reruns_nothing_else(run):
    module = run.project / "dheads_model/metrics/per_clip/new.py"
    module.write_text((module.parent / "head_motion.py").read_text().replace("head_motion", "new"))
    try:
        assert planned(run) == MEASURE
    finally:
        module.unlink()
    assert planned(run) == {}


def test_what_makes_nothing_of_the_table_replans_nothing(run, edited):
    for module in (
        *(
            f"dheads_model/corpora/{name}.py"
            for name in ("datasets/embedded", "dataset", "registry", "folder", "lrw/index")
        ),
        *(f"workflow_scripts/benchmarks/{name}.py" for name in ("machine", "preparation", "sampling", "training")),
        *(f"workflow_scripts/planning/{name}.py" for name in ("plan", "shards", "disk_need", "failures")),
        "workflow_scripts/retry_failed.py",
    ):
        edited(module)
    assert planned(run) == {}


def test_provenance_lists_the_commands_behind_the_table(run):
    provenance = json.loads((run.work / "results/table1.provenance.json").read_text())
    made_by = set(provenance["made_by"])
    assert set(provenance["code"]) >= made_by | {"write_table1"}
    assert not {"retry_failed", "write_data_card", "draw_strips", "check_config"} & set(provenance["code"])


def test_comments_docstrings_and_layout_plan_nothing(run, edited):
    for module in ("faces/align.py", "media/video.py", "manifest.py", "training/loop.py", "metrics/signals.py"):
        edited(f"dheads_model/{module}", '\n\n# a thought\n"""Another thought."""\n')
    assert planned(run) == {}


def test_words_for_people_plan_nothing(run):
    saved = {}
    for module, old, new in (
        ("dheads_model/errors.py", "is not in FILTER_REASONS", "is unknown"),
        ("dheads_model/manifest.py", "a machine error occurred at clip", "the machine stopped at clip"),
        ("dheads_model/manifest.py", '"clip %s %s: %s %s"', '"%s %s: %s %s"'),
        ("dheads_model/config.py", "_below(where, name)} is missing.", "_below(where, name)} is not there."),
        ("workflow_scripts/command.py", "%(levelname)s %(message)s", "%(asctime)s %(message)s"),
        ("workflow_scripts/command.py", "sys.exit(code)", "sys.exit(code + 0)"),
    ):
        path = run.project / module
        saved.setdefault(path, path.read_text())
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
    try:
        assert planned(run) == {}
    finally:
        for path, text in saved.items():
            path.write_text(text)


def test_another_meaning_of_a_reason_rewrites_the_data_card_alone(run, edited):
    edited("dheads_model/reasons.py", 'MEANINGS["crashed"] = "other words"\n')
    assert planned(run) == {"write_data_card": 1}


def test_a_file_of_package_data_and_a_pinned_version_rerun_what_they_reach(run):
    assets, lock = run.project / "dheads_model/corpora/embedded/assets/mesh.json", run.project / "requirements.lock"
    for path, old, new, expected in (
        (assets, "\n", "\n\n", FROM_SOURCE | TABLE),
        (lock, "mediapipe==", "mediapipe==1.", FROM_TRACK | MEASURE | TABLE),
        (lock, "tqdm==", "tqdm==1.", {}),
    ):
        saved = path.read_text()
        path.write_text(saved.replace(old, new) if old in saved else saved + new)
        try:
            assert planned(run) == expected, path
        finally:
            path.write_text(saved)


@pytest.mark.parametrize(
    ("overlay", "expected"),
    [
        ({"track": {"backend": "face-alignment"}}, FROM_TRACK | {"fetch_weights": 2}),
        ({"landmark": {"redetect": True}}, FROM_LANDMARK),
        ({"audio": {"silence_dbfs": -50}}, FROM_AUDIO),
        ({"crop": {"crf": 10}}, FROM_CROP),
        ({"strips": {"every_n_frames": 4}}, {"draw_strips": 2} | TABLE),
        ({"seed": 5}, SAMPLE),
        ({"methods": {"ours": {"sampling": {"steps": 3}}}}, SAMPLE),
        ({"runs": {"ours": {"training": {"images": 72}}}}, TRAIN),
        ({"table1": {"reference": "frozen_first_frame"}}, TABLE),
        ({"sharding": {"clips_per_sampling_job": 50}}, TABLE),
        ({"test_subset": {"clips": 5, "seed": 1}}, TABLE),  # there are fewer
        ({"gallery": {"clips": 1}}, TABLE),
    ],
)
def test_one_config_value_replans_only_what_it_reaches(run, tmp_path, overlay, expected):
    (tmp_path / "overlay.yaml").write_text(json.dumps(overlay))
    assert planned(run, str(tmp_path / "overlay.yaml")) == expected


def test_a_model_given_afterwards_touches_sampling_and_below_only(run, tmp_path):
    (tmp_path / "model.safetensors").write_bytes((run.work / "results/runs/ours/model.safetensors").read_bytes())
    assert planned(run, "--config", f"model={tmp_path / 'model.safetensors'}") == SAMPLE


def test_numbers_inside_a_config_of_the_command_line_are_numbers(run):
    assert planned(run, "--config", "runs={ours: {training: {images: 72}}}", "seed=2137") == TRAIN
    assert planned(run, "--config", "runs={ours: {training: {images: 64}}}") == {}


def test_further_seeds_plan_their_own_trainings_and_rows_only(run, tmp_path):
    (tmp_path / "overlay.yaml").write_text(json.dumps({"training_seeds": {"ours": [1, 2, 3]}}))
    found = planned(run, str(tmp_path / "overlay.yaml"), "--", "results/seeds.md")
    made = {"train_model": 2, "sample_videos": 2, "gather_videos": 2, "measure_videos": 2}
    assert found == made | {"extract_features": 2, "measure_distances": 2, "write_seeds": 1}


@pytest.mark.parametrize(("change", "expected"), [({"seed": 8}, FROM_SOURCE)])
def test_a_changed_corpus_is_made_anew_in_one_run(run, tmp_path, change, expected):
    (tmp_path / "overlay.yaml").write_text(json.dumps({"embedded": change}))
    assert planned(run, str(tmp_path / "overlay.yaml")) == expected


def test_a_lost_video_of_the_gallery_makes_the_gallery_again(run):
    video = next(run.work.glob("results/gallery/page/videos/ours/embedded/*.mp4"))
    aside = video.rename(video.with_suffix(".aside"))
    try:
        assert planned(run) == {"write_gallery": 1}
    finally:
        aside.rename(video)


def test_a_lost_manifest_is_made_again_for_its_shard_alone(run):
    manifest = run.work / "resources/embedded/crop/00001.json"
    aside = manifest.rename(manifest.with_suffix(".aside"))
    try:
        assert planned(run, "--", "resources/embedded/crop/00001.json") == {"crop_faces": 1}
    finally:
        aside.rename(manifest)


def test_code_that_changed_in_the_queue_is_refused(run, tmp_path):
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-m", "workflow_scripts.index_shards", "--code", "000000000000", "--shards", "x", "--output", "y",
         "--memberships", "z"],
        cwd=run.project, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 2
    assert "was edited after this job was planned" in done.stderr
    assert "Traceback" not in done.stderr


def test_equal_bytes_above_rerun_nothing_below(run, edited):
    from tests.workflow import snakemake

    # An equivalent rewrite: other code, same transforms.
    edit(
        run.project / "dheads_model/faces/align.py",
        "linear = np.array([[a, -b], [b, a]])",
        "linear = np.array(((a, -b), (b, a)))",
    )
    assert planned(run)["align_faces"] == 3
    done = snakemake(run.project, run.work, "--cores", "2", "--configfile", str(TINY), "--until", "align_faces")
    assert done.returncode == 0, done.stderr
    found = planned(run)
    assert "extract_audio" not in found
    # Crops and landmarks reach the edited module themselves; nothing else does.
    assert set(found) == set(FROM_CROP | TABLE)
