# From a corpus to verified source files, a shard of clips a job: each lists its clips, then opens them.


rule synthesise_clips:
    """Render one shard of the embedded corpus, in CREMA-D's layout."""
    output:
        plan="resources/embedded/plan/{shard}.json",
        manifest="resources/embedded/source/{shard}.json",
        recipe="resources/embedded/source/{shard}.recipe.json",
    log:
        "logs/synthesise_clips/{shard}.log",
    benchmark:
        "benchmarks/synthesise_clips/{shard}.jsonl"
    threads: 1
    resources:
        mem_mb=1500,
        runtime=30,
    params:
        settings=as_json({"seed": config["embedded"]["seed"]}),
        budget=budget_in("embedded"),
        planning=planning_of("embedded"),
        membership=membership_in("embedded"),
        code=digest("workflow_scripts.synthesise_clips"),
        speaker=digest("dheads_model.corpora.embedded.speak_espeak"),
    shell:
        "python -m workflow_scripts.synthesise_clips --code {params.code} --settings {params.settings:q}"
        " --budget {params.budget:q} --planning {params.planning:q} --shard {wildcards.shard}"
        " --membership {params.membership} --plan {output.plan} --corpus-folder resources/embedded/corpus"
        " --manifest {output.manifest} > {log} 2>&1"


rule fetch_crema_d:
    """Bring one shard of CREMA-D here, or find it in a given folder; every file is checked against the pinned table."""
    output:
        plan="resources/crema_d/plan/{shard}.json",
        manifest="resources/crema_d/source/{shard}.json",
        recipe="resources/crema_d/source/{shard}.recipe.json",
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
        settings=as_json(crema_d_source()),
        # With `input` in it Snakemake does not track it: another mirror or more retry fetches nothing anew.
        hosts=lambda wildcards, input: as_json(
            {key: config["crema_d"][key] for key in ("sources", "connections", "retry")}
        ),
        budget=budget_in("crema_d"),
        planning=planning_of("crema_d"),
        membership=membership_in("crema_d"),
        code=digest("workflow_scripts.fetch_crema_d"),
    shell:
        "python -m workflow_scripts.fetch_crema_d --code {params.code} --settings {params.settings:q}"
        " --hosts {params.hosts:q}"
        " --budget {params.budget:q} --planning {params.planning:q} --shard {wildcards.shard}"
        " --membership {params.membership} --plan {output.plan} --corpus-folder resources/crema_d/corpus"
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
        hosts=lambda wildcards, output: as_json({key: config["lrw"][key] for key in ("url", "retry")}),
        code=digest("workflow_scripts.fetch_lrw"),
    shell:
        "python -m workflow_scripts.fetch_lrw --code {params.code} --settings {params.hosts:q}"
        " --parts-folder resources/lrw/parts --corpus-folder resources/lrw/corpus"
        " --manifest {output.manifest} 2>&1 | tee -i {log}"


rule adopt_lrw:
    """Check and hash one shard of LRW; the files stay where they are."""
    input:
        fetched=fetched_corpus(),
    output:
        plan="resources/lrw/plan/{shard}.json",
        manifest="resources/lrw/source/{shard}.json",
        recipe="resources/lrw/source/{shard}.recipe.json",
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
        planning=planning_of("lrw"),
        membership=membership_in("lrw"),
        code=digest("workflow_scripts.adopt_lrw"),
        # The clips of a fetched corpus are planned by numbers alone, so what lists them counts as code.
        listing=digest("dheads_model.corpora.lrw.index"),
    shell:
        "python -m workflow_scripts.adopt_lrw --code {params.code} --budget {params.budget:q}"
        " --planning {params.planning:q} --shard {wildcards.shard}"
        " --membership {params.membership} --plan {output.plan}"
        " --manifest {output.manifest} > {log} 2>&1"


rule adopt_clips:
    """Hash and probe one shard of the clips in a folder; the files stay where they are."""
    output:
        plan="resources/folder/plan/{shard}.json",
        manifest="resources/folder/source/{shard}.json",
        recipe="resources/folder/source/{shard}.recipe.json",
    log:
        "logs/adopt_clips/{shard}.log",
    benchmark:
        "benchmarks/adopt_clips/{shard}.jsonl"
    threads: 1
    resources:
        mem_mb=500,
        runtime=30,
    params:
        budget=budget_in("folder"),
        planning=planning_of("folder"),
        membership=membership_in("folder"),
        code=digest("workflow_scripts.adopt_clips"),
    shell:
        "python -m workflow_scripts.adopt_clips --code {params.code}"
        " --budget {params.budget:q} --planning {params.planning:q} --shard {wildcards.shard}"
        " --membership {params.membership} --plan {output.plan} --manifest {output.manifest} > {log} 2>&1"


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
        table=lambda wildcards: f"{PROJECT}/config/weights.tsv",
        code=digest("workflow_scripts.fetch_weights"),
    shell:
        "python -m workflow_scripts.fetch_weights --code {params.code} --name {wildcards.name}"
        " --table {params.table:q} --output {output} > {log} 2>&1"
