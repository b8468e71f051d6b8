# Measurements of every video against its ground truth.


rule measure_videos:
    """All metrics of one method on one test shard, one row a clip and metric."""
    input:
        shard="resources/{dataset}/shards/test/{shard}.json",
        tar=ancient("resources/{dataset}/shards/test/{shard}.tar"),
        videos="results/videos/{method}/{dataset}/{shard}.json",
        weights=weights_of_measuring(),
    output:
        landmarks="results/metrics/{method}/{dataset}/{shard}.landmarks.parquet",
        metrics="results/metrics/{method}/{dataset}/{shard}.parquet",
        manifest="results/metrics/{method}/{dataset}/{shard}.json",
        recipe="results/metrics/{method}/{dataset}/{shard}.recipe.json",
    log:
        "logs/measure_videos/{method}/{dataset}/{shard}.log",
    benchmark:
        "benchmarks/measure_videos/{method}/{dataset}/{shard}.jsonl"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes_of_shard("measure"),
        gpu=config["track"]["gpus"],
        nodes=1,
    params:
        gpus=lambda wildcards, output: on_gpus(config["track"]["gpus"]),
        settings=as_json(measuring_settings()),
        code=digest("workflow_scripts.measure_videos"),
    shell:
        "{params.gpus}python -m workflow_scripts.measure_videos --code {params.code} --settings {params.settings:q}"
        " --shard {input.shard} --videos {input.videos} --method {wildcards.method}"
        " --output {output.metrics} --landmarks {output.landmarks} --manifest {output.manifest} > {log} 2>&1"


rule measure_audio_reference:
    """How well audio features predict the mouths of a dataset, by a ridge regression: a reference for generated mouths."""
    input:
        index="resources/{dataset}/index.json",
    output:
        "results/audio_reference/{dataset}.json",
    log:
        "logs/measure_audio_reference/{dataset}.log",
    benchmark:
        "benchmarks/measure_audio_reference/{dataset}.jsonl"
    threads: 1
    resources:
        mem_mb=memory(3000),
        runtime=minutes(60),
    params:
        code=digest("workflow_scripts.measure_audio_reference"),
    shell:
        "python -m workflow_scripts.measure_audio_reference --code {params.code} --index {input.index}"
        " --output {output} 2>&1 | tee {log}"
