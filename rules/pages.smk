# What the pages for people show: the gallery and the opinion study.


# The table that the gallery shows.
TABLE_PAGE = "results/table1.html"
# The gallery has strips of so many shards of each dataset; a large corpus has hundreds, and they are in results/strips/.
STRIPS_IN_GALLERY = 4


def gallery_plots():
    """[title, path] of the pictures in the gallery: loss curves, and strips of the first test shards."""
    curves = [[f"loss of run {run}", f"results/runs/{run}/loss.png"] for run in PLAN.trained_runs()]
    numbers = {dataset: list(PLAN.evaluated(dataset))[:STRIPS_IN_GALLERY] for dataset in PLAN.shards}
    shown = {f"{dataset}_{number}" for dataset, found in numbers.items() for number in found}
    strips = [
        [f"strip {Path(path).stem}", path]
        for path in all_strips()
        if any(path.endswith(f"_{end}.png") for end in shown)
    ]
    return curves + strips


def gallery_settings():
    """The gallery's config, with the methods in the order of the config and the titles of the plots, as JSON."""
    kinds = [[name, config["methods"][name]["kind"]] for name in PLAN.methods_with_videos()]
    return as_json({"gallery": config["gallery"], "methods": kinds, "plots": gallery_plots()})


def gallery_sources():
    """Manifests of the source stage of all test shards: speakers and transcripts."""
    return [
        f"resources/{dataset}/source/{number}.json" for dataset in PLAN.shards for number in PLAN.evaluated(dataset)
    ]


def opinion_dataset():
    """The dataset of the opinion study: the config's, else the first that is here."""
    return config["opinion_study"]["dataset"] or next(iter(PLAN.shards))


def opinion_videos():
    """Manifests of the videos that the opinion study shows."""
    dataset, shown = opinion_dataset(), PLAN.methods_with_videos()
    if dataset not in PLAN.shards:
        raise WorkflowError(f"config key opinion_study.dataset is {dataset}, which is not here; name another.")
    if unknown := [name for name in config["opinion_study"]["methods"] if name not in config["methods"]]:
        raise WorkflowError(
            f"config key opinion_study.methods names {unknown[0]}, which methods does not define; it has "
            f"{', '.join(config['methods'])}."
        )
    return videos_of([method for method in config["opinion_study"]["methods"] if method in shown], dataset)


def votes_folder():
    """The folder of votes that the config names."""
    named = config["opinion_study"]["votes"]
    if not named or not os.path.isdir(given_path(named)):
        raise WorkflowError(
            f"config key opinion_study.votes is {named}; name the folder with the files that the raters downloaded "
            "from results/opinion_study/index.html."
        )
    return given_path(named)
