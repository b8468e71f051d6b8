# From a corpus to verified source files: one job plans a dataset, then a shard of clips a job.
for planned_dataset in PLAN.shards:

    rule:
        name:
            f"plan_shards_{planned_dataset}"
        input:
            fetched_corpus(planned_dataset),
        output:
            plans=plan_files(planned_dataset),
        log:
            f"logs/plan_shards/{planned_dataset}.log",
        benchmark:
            f"benchmarks/plan_shards/{planned_dataset}.jsonl"
        threads: 1
        resources:
            mem_mb=1000,
            runtime=10,
        params:
            dataset=planned_dataset,
            settings=plan_settings(planned_dataset),
            memberships=all_memberships(planned_dataset),
            clips=planned_counts(planned_dataset),
            code=digest("workflow_scripts.plan_shards"),
        shell:
            "python -m workflow_scripts.plan_shards --code {params.code} --settings {params.settings:q}"
            " --dataset {params.dataset} --clips {params.clips:q} --folder resources/{params.dataset}/plan > {log} 2>&1"


rule synthesise_clips:
    """Render one shard of the embedded corpus, in CREMA-D's layout."""
    input:
        plan="resources/embedded/plan/{shard}.json",
    output:
        manifest="resources/embedded/source/{shard}.json",
    log:
        "logs/synthesise_clips/{shard}.log",
    benchmark:
        "benchmarks/synthesise_clips/{shard}.jsonl"
    threads: 1
    resources:
        mem_mb=1500,
        runtime=30,
    params:
        settings=settings("embedded"),
        budget=budget_in("embedded"),
        membership=membership_in("embedded"),
        code=digest("workflow_scripts.synthesise_clips"),
        speaker=digest("dheads_model.corpora.embedded.speak_espeak"),
    shell:
        "python -m workflow_scripts.synthesise_clips --code {params.code} --settings {params.settings:q}"
        " --budget {params.budget:q} --plan {input.plan} --corpus-folder resources/embedded/corpus"
        " --manifest {output.manifest} > {log} 2>&1"


rule fetch_crema_d:
    """Bring one shard of CREMA-D here, or find it in a given folder; every file is checked against the pinned table."""
    input:
        plan="resources/crema_d/plan/{shard}.json",
    output:
        manifest="resources/crema_d/source/{shard}.json",
    log:
        "logs/fetch_crema_d/{shard}.log",
    benchmark:
        "benchmarks/fetch_crema_d/{shard}.jsonl"
    # A core a connection, so that few jobs ask the same host at once; profiles can limit `downloads` further.
    threads: config["crema_d"]["connections"]
    resources:
        mem_mb=500,
        runtime=240,
        downloads=1,
    params:
        settings=as_json({key: crema_d_settings(config)[key] for key in ("path", "tables", "actors")}),
        # With `input` in it Snakemake does not track it: another mirror or more patience fetches nothing anew.
        hosts=lambda wildcards, input: as_json(
            {key: config["crema_d"][key] for key in ("sources", "connections", "patience")}
        ),
        budget=budget_in("crema_d"),
        membership=membership_in("crema_d"),
        code=digest("workflow_scripts.fetch_crema_d"),
    shell:
        "python -m workflow_scripts.fetch_crema_d --code {params.code} --settings {params.settings:q}"
        " --hosts {params.hosts:q}"
        " --budget {params.budget:q} --plan {input.plan} --corpus-folder resources/crema_d/corpus"
        " --manifest {output.manifest} > {log} 2>&1"


rule fetch_lrw:
    """Bring LRW here with a licensee's login (LRW_USER, LRW_PASSWORD), unpack it and list its clips."""
    output:
        manifest="resources/lrw/fetched.json",
    log:
        "logs/fetch_lrw.log",
    benchmark:
        "benchmarks/fetch_lrw.jsonl"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=2880,
        downloads=1,
    params:
        hosts=lambda wildcards, output: as_json({key: config["lrw"][key] for key in ("url", "patience")}),
        code=digest("workflow_scripts.fetch_lrw"),
    shell:
        "python -m workflow_scripts.fetch_lrw --code {params.code} --settings {params.hosts:q}"
        " --parts-folder resources/lrw/parts --corpus-folder resources/lrw/corpus"
        " --manifest {output.manifest} 2>&1 | tee -i {log}"


rule adopt_lrw:
    """Check and hash one shard of LRW; the files stay where they are."""
    input:
        plan="resources/lrw/plan/{shard}.json",
    output:
        manifest="resources/lrw/source/{shard}.json",
    log:
        "logs/adopt_lrw/{shard}.log",
    benchmark:
        "benchmarks/adopt_lrw/{shard}.jsonl"
    threads: 1
    resources:
        mem_mb=500,
        runtime=60,
    params:
        budget=budget_in("lrw"),
        membership=membership_in("lrw"),
        code=digest("workflow_scripts.adopt_lrw"),
    shell:
        "python -m workflow_scripts.adopt_lrw --code {params.code} --budget {params.budget:q} --plan {input.plan}"
        " --manifest {output.manifest} > {log} 2>&1"


rule adopt_clips:
    """Hash and probe one shard of the clips in a folder; the files stay where they are."""
    input:
        plan="resources/folder/plan/{shard}.json",
    output:
        manifest="resources/folder/source/{shard}.json",
    log:
        "logs/adopt_clips/{shard}.log",
    benchmark:
        "benchmarks/adopt_clips/{shard}.jsonl"
    threads: 1
    resources:
        mem_mb=500,
        runtime=30,
    params:
        settings=settings("folder"),
        budget=budget_in("folder"),
        membership=membership_in("folder"),
        code=digest("workflow_scripts.adopt_clips"),
    shell:
        "python -m workflow_scripts.adopt_clips --code {params.code} --settings {params.settings:q}"
        " --budget {params.budget:q} --plan {input.plan} --manifest {output.manifest} > {log} 2>&1"


rule fetch_weights:
    """Download one file of network weights and check its hash before anything opens it."""
    output:
        "resources/weights/{name}",
    log:
        "logs/fetch_weights/{name}.log",
    benchmark:
        "benchmarks/fetch_weights/{name}.jsonl"
    threads: 1
    resources:
        mem_mb=500,
        runtime=60,
    params:
        table=lambda wildcards: f"{workflow.basedir}/config/weights.tsv",
        code=digest("workflow_scripts.fetch_weights"),
    shell:
        "python -m workflow_scripts.fetch_weights --code {params.code} --name {wildcards.name}"
        " --table {params.table:q} --output {output} > {log} 2>&1"
