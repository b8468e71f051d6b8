# What a run prints and checks before its first job and after its last.


def check_shared_folder():
    """Before the first job: an executor whose machines share no folder says so only after the Snakefile was read."""
    try:
        check_deployment([], option_names(workflow.storage_settings.shared_fs_usage))
    except UserError as problem:
        refuse(problem)


def hold_work_folder():
    """Before the first job: no other Snakemake may make or read here what this one makes."""
    jobs = list(workflow.dag.needrun_jobs())
    try:
        hold_folder(
            os.getcwd(),
            [str(path) for job in jobs for path in job.output],
            [str(path) for job in jobs for path in job.input],
        )
    except UserError as problem:
        refuse(problem)


def keep_plan():
    """Before the first job: what jobs on other nodes need to know of the plan."""
    keep_outlines(PLAN.shards, config)


def tell_the_plan(logs):
    """Before the first job: print where this is and what it costs, and stop when the disk has less space than is needed."""
    try:
        disk = check_disk(PLAN, os.getcwd())
    except UserError as problem:
        refuse(problem)
    stats = workflow.dag.stats()[1]
    at_once = workflow.resource_settings.cores or min(workflow.resource_settings.nodes or 1, stats["total"])
    place = f"on {at_once} cores" if workflow.local_exec else f"with {at_once} jobs at once"
    clips = [f"{name} {sum(shard.clips for shard in shards.values())} clips" for name, shards in PLAN.shards.items()]
    write_record(os.getcwd(), PLAN, at_once, place)
    gpus = unused_gpus(stats, config, visible_gpus(os.environ)) if workflow.local_exec else ""
    lines = {
        "folder": f"{os.getcwd()} (all outputs)",
        "plan": f"{stats['total']} job{'s' * (stats['total'] > 1)}; {', '.join(clips)}",
        "time": time_sentence(time_need(stats, PLAN, at_once, os.getcwd()), place),
        "disk": disk,
        "gpus": gpus,
        "log": ", ".join(map(os.path.relpath, logs)) + " (a block a job; on the screen with --printshellcmds)",
    }
    for name, text in lines.items():
        if text:
            print(f"{name:<7} {text}", file=sys.stderr)
    if SCREEN:
        begin_watch(SCREEN)


def tell_the_end(word):
    """After the last job: how the run ended."""
    if SCREEN:
        SCREEN.finish(word)


def tell_results(since=0.0):
    """Print table 1, if it was asked for, and where the results are that were written after a time."""
    targets = set(workflow.dag_settings.targets)
    if not targets or targets & {"all", "results/table1.csv", "results/table1.md", "results/table1.tex"}:
        print(f"\n{shown_table(os.getcwd())}\n", flush=True)
    generated = [name for name in PLAN.methods() if config["methods"][name]["kind"] == "model"]
    for line in where_to_look(os.getcwd(), generated, since):
        print(line, flush=True)


def absent_datasets():
    """Print why datasets of the config are left out."""
    for name, why in PLAN.absent.items():
        print(f"dataset {name} is left out: {why}", file=sys.stderr)
