# All inputs of the last products, direct and indirect, and with which settings and code each must have been made.
from workflow_scripts.planning.missing_files import RECORD, Losses, absent, lost_files

LOSSES = Losses(RECORD)


def made_again(product, chain):
    """Parameter that changes when a file of a product's chain is gone, so that Snakemake makes both again.

    product: the first output. chain: function from wildcards to paths.
    """
    return lambda wildcards: LOSSES.parameter(
        product.format(**dict(wildcards.items())), lambda: absent(chain(wildcards))
    )


def videos_made_again(name):
    """Parameter that changes when a video is gone: videos are no declared outputs, a manifest `name` lists them."""
    manifest = f"results/videos/{{method}}/{{dataset}}/{name}"
    return lambda wildcards: LOSSES.parameter(
        manifest.format(**dict(wildcards.items())), lambda: lost_files(manifest.format(**dict(wildcards.items())))
    )


def gallery_made_again():
    """Parameter that changes when a file of the gallery or of its chain is gone; the gallery lists its own files."""
    chain = lambda: absent(chain_of_gallery()) + lost_files("results/gallery/page/files.json")
    return lambda wildcards: LOSSES.parameter("results/gallery/index.html", chain)


def chain_of_gallery():
    """All inputs of the gallery down to the shards."""
    return chain_of_table() + [path for _, path in gallery_plots()] + [TABLE_PAGE]


def chain_of_dataset(dataset):
    """Inputs of an index: the manifests of every stage of every shard, and the packed shards themselves."""
    tars = [ancient(path.replace(".json", ".tar")) for path in shard_manifests(dataset)]
    return stage_manifests(dataset) + tars


def chain_of_run(run):
    """Files of a run, and of those that taught it, that sampling and curves need."""
    paths = []
    for folder in [f"results/runs/{one}" for one in lineage(config, run)]:
        paths += [ancient(f"{folder}/model.safetensors"), f"{folder}/model.sha256"]
        paths += [ancient(f"{folder}/training.jsonl")]
    return paths


def chain_of_videos(method, dataset, number):
    """Videos of a method on a test shard, their model and their metrics; of a method without videos its metrics."""
    kept = f"{method}/{dataset}/{number}"
    if config["methods"][method]["kind"] == LINEAR_REGRESSION:
        made = [f"results/metrics/{kept}.json", f"results/linear_regression/{dataset}.json"]
        return [*made, ancient(f"results/metrics/{kept}.parquet")]
    paths = [f"results/videos/{kept}.json", f"results/metrics/{kept}.json"]
    paths += [ancient(f"results/metrics/{kept}.{kind}") for kind in ("parquet", "landmarks.parquet")]
    if config["metrics"]["lips_meet"]:
        paths += [f"resources/{dataset}/phones/{number}.json", ancient(f"resources/{dataset}/phones/{number}.parquet")]
    if config["metrics"]["sync_encoder"] is not None:
        paths += [f"results/sync/{kept}.json", ancient(f"results/sync/{kept}.parquet")]
    kind = config["methods"][method]["kind"]
    if kind == "model":
        paths += parts_of_videos(method, dataset, number)
    return paths + (chain_of_run(config["methods"][method]["run"]) if kind == "model" and not config["model"] else [])


def chain_of_strip(wildcards):
    """Inputs of a strip: the method's videos and those of the ground truth."""
    shard = (wildcards.dataset, wildcards.shard)
    return chain_of_videos(wildcards.method, *shard) + chain_of_videos("ground_truth", *shard)


def chain_of_table():
    """All inputs of table 1 down to the shards; the rule of the indexes checks those of the shards."""
    paths = [
        path
        for method in PLAN.methods()
        for dataset in PLAN.shards
        for number in PLAN.evaluated(dataset)
        for path in chain_of_videos(method, dataset, number)
    ]
    return list(dict.fromkeys(paths)) + all_indexes() + chain_of_distances()


def chain_of_distances():
    """Distances of table 1 and the features below them."""
    features = [
        path
        for name in computed_distances(config)
        for method in PLAN.methods_with_videos()
        for dataset in PLAN.shards
        for path in features_of(name, method, dataset)
    ]
    return features + [ancient(path.replace(".json", ".parquet")) for path in features] + all_distances()


def planned_stages(dataset):
    """{beginning of a product's path: settings and code of its stage} for everything below a dataset's index."""
    stages = {
        "source": (DATASETS[dataset].source.command, source_recipe(dataset)),
        "track": ("track_faces", config["track"]),
        "align": ("align_faces", framing_of(dataset, "align")),
        "crop": ("crop_faces", framing_of(dataset, "crop")),
        "landmark": ("place_landmarks", config["landmark"]),
        "audio": ("extract_audio", config["audio"]),
        "shards": ("pack_shards", {}),
    }
    return {f"resources/{dataset}/{stage}/": as_planned(*found) for stage, found in stages.items()}


def planned_products():
    """{beginning of a path: command, settings and code} of everything below table 1."""
    planned = {}
    for dataset in PLAN.shards:
        planned |= planned_stages(dataset)
        planned[f"resources/{dataset}/phones/"] = as_planned("time_phones", json.loads(aligner_settings()))
        planned[f"resources/{dataset}/index."] = as_planned("index_shards", {})
        for name, encoder in config["sync_encoders"].items():
            planned[f"results/sync_encoders/{dataset}/{name}/"] = as_planned("train_sync_encoder", encoder)
    for run in PLAN.trained_runs():
        made_with = {"framing": json.loads(training_framing(config["runs"][run]["dataset"]))}
        planned[f"results/runs/{run}/"] = as_planned("train_model", config["runs"][run] | made_with)
    planned["results/linear_regression/"] = as_planned("fit_linear_regression", {})
    for name in PLAN.methods():
        if config["methods"][name]["kind"] == LINEAR_REGRESSION:
            planned |= planned_regression(name)
    for name in PLAN.methods_with_videos():
        planned |= planned_videos(name)
        planned[f"results/metrics/{name}/"] = as_planned("measure_videos", measuring_settings())
        planned[f"results/sync/{name}/"] = as_planned(
            "measure_sync", {"sync_encoder": config["metrics"]["sync_encoder"]}
        )
        for distance in computed_distances(config):
            about = distance_settings(distance)
            planned[f"results/features/{distance}/{name}/"] = as_planned("extract_features", about)
            planned[f"results/distances/{distance}/{name}/"] = as_planned("measure_distances", about)
    return planned


def planned_regression(name):
    """{beginning of a path: command, settings and code} of a method that predicts mouth openings, on every test shard."""
    return {
        f"results/metrics/{name}/{dataset}/{number}.": as_planned(
            "measure_linear_regression", {"subset": PLAN.subset(dataset, number)}
        )
        for dataset in PLAN.shards
        for number in PLAN.evaluated(dataset)
    }


def planned_videos(name):
    """{beginning of a path: command, settings and code} of the videos of a method, on every test shard."""
    method, folder = config["methods"][name], f"results/videos/{name}"
    planned = {}
    for dataset in PLAN.shards:
        for number in PLAN.evaluated(dataset):
            chosen = {"subset": PLAN.subset(dataset, number)}
            whole = f"{folder}/{dataset}/{number}."
            if method["kind"] == "model":
                made_with = method | chosen | {"seed": config["seed"], "model": model_of_method(name)}
                planned[f"{folder}/{dataset}/parts/{number}."] = as_planned("sample_videos", made_with)
                planned[whole] = as_planned("gather_videos", method)
            elif method["kind"] == "videos":
                planned[whole] = as_planned("adopt_videos", videos_settings(name) | chosen)
            else:
                planned[whole] = as_planned("copy_reference", method | chosen)
    return planned


def as_planned(command, settings):
    """A command with the settings and code with which it runs now."""
    return {"command": command, "settings": settings, "code": digest(f"workflow_scripts.{command}")}
