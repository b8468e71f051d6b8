# The sync encoder, trained on a dataset if the config uses it, and metrics with it.


rule train_sync_encoder:
    """Train encoders of mouth and audio contrastively; the state is not a declared output, so a killed job resumes."""
    input:
        index="resources/{dataset}/index.json",
    output:
        model="results/sync_encoders/{dataset}/{encoder}/encoder.safetensors",
        checksum="results/sync_encoders/{dataset}/{encoder}/encoder.sha256",
        recipe="results/sync_encoders/{dataset}/{encoder}/encoder.recipe.json",
        facts="results/sync_encoders/{dataset}/{encoder}/encoder.json",
        log="results/sync_encoders/{dataset}/{encoder}/training.jsonl",
    log:
        "logs/train_sync_encoder/{dataset}/{encoder}.log",
    benchmark:
        "benchmarks/train_sync_encoder/{dataset}/{encoder}.jsonl"
    # One thread: the same bits on every machine of a kind, and room for the jobs beside it.
    threads: 1
    resources:
        mem_mb=memory(6000),
        runtime=720,
        gpu=lambda wildcards: config["sync_encoders"][wildcards.encoder]["gpus"],
        nodes=1,
    params:
        gpus=lambda wildcards, output: on_gpus(config["sync_encoders"][wildcards.encoder]["gpus"]),
        settings=lambda wildcards: settings("sync_encoders", wildcards.encoder),
        state=lambda wildcards: f"state/sync_encoders/{wildcards.dataset}/{wildcards.encoder}",
        code=digest("workflow_scripts.train_sync_encoder"),
    shell:
        "until_done {params.gpus}python -m workflow_scripts.train_sync_encoder --code {params.code} --settings {params.settings:q}"
        " --index {input.index} --state {params.state} --threads {threads}"
        " --output {output.model} --log {output.log} > {log} 2>&1"


rule measure_sync:
    """Sync confidence and offset of one method on one test shard, by the held-out scorer."""
    input:
        shard="resources/{dataset}/shards/test/{shard}.json",
        tar=ancient("resources/{dataset}/shards/test/{shard}.tar"),
        videos="results/videos/{method}/{dataset}/{shard}.json",
        measured="results/metrics/{method}/{dataset}/{shard}.json",
        landmarks=ancient("results/metrics/{method}/{dataset}/{shard}.landmarks.parquet"),
        encoder=lambda wildcards: [ancient(path) for path in sync_scorer(wildcards)],
        checksum=lambda wildcards: [path.replace(".safetensors", ".sha256") for path in sync_scorer(wildcards)],
    output:
        metrics="results/sync/{method}/{dataset}/{shard}.parquet",
        manifest="results/sync/{method}/{dataset}/{shard}.json",
        recipe="results/sync/{method}/{dataset}/{shard}.recipe.json",
    log:
        "logs/measure_sync/{method}/{dataset}/{shard}.log",
    benchmark:
        "benchmarks/measure_sync/{method}/{dataset}/{shard}.jsonl"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes_of_shard("reference"),
    params:
        settings=as_json({"sync_encoder": config["metrics"]["sync_encoder"]}),
        refusal=lambda wildcards: PLAN.sync_refusal(wildcards.dataset),
        code=digest("workflow_scripts.measure_sync"),
    shell:
        "python -m workflow_scripts.measure_sync --code {params.code} --settings {params.settings:q}"
        " --shard {input.shard} --videos {input.videos} --measured {input.measured} --method {wildcards.method}"
        " --encoder {input.encoder} --checksum {input.checksum} --refusal {params.refusal:q}"
        " --output {output.metrics} --manifest {output.manifest} > {log} 2>&1"
