# Measurements of every video against its ground truth.


rule measure_videos:
    """All metrics of one method on one test shard, one row a clip and metric."""
    input:
        shard="resources/{dataset}/shards/test/{shard}.json",
        tar=ancient("resources/{dataset}/shards/test/{shard}.tar"),
        videos="results/videos/{method}/{dataset}/{shard}.json",
        weights=weights_of_measuring(),
        phones=phones_of_measuring("json"),
        phones_table=[ancient(path) for path in phones_of_measuring("parquet")],
    output:
        landmarks="results/metrics/{method}/{dataset}/{shard}.landmarks.parquet",
        metrics="results/metrics/{method}/{dataset}/{shard}.parquet",
        manifest="results/metrics/{method}/{dataset}/{shard}.json",
        recipe="results/metrics/{method}/{dataset}/{shard}.recipe.json",
    log:
        "logs/measure_videos/{method}/{dataset}/{shard}.log",
    benchmark:
        "benchmarks/measure_videos/{method}/{dataset}/{shard}.jsonl"
    wildcard_constraints:
        method="|".join(methods_with_videos()) or "no-such-method",
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
        " --shard {input.shard} --videos {input.videos} --phones {input.phones} --method {wildcards.method}"
        " --output {output.metrics} --landmarks {output.landmarks} --manifest {output.manifest} > {log} 2>&1"


rule time_phones:
    """Phone times of the clips of a test shard: those of the corpus, else by forced alignment of the transcripts."""
    input:
        shard="resources/{dataset}/shards/test/{shard}.json",
        tar=ancient("resources/{dataset}/shards/test/{shard}.tar"),
        source="resources/{dataset}/source/{shard}.json",
    output:
        phones="resources/{dataset}/phones/{shard}.parquet",
        manifest="resources/{dataset}/phones/{shard}.json",
        recipe="resources/{dataset}/phones/{shard}.recipe.json",
    log:
        "logs/time_phones/{dataset}/{shard}.log",
    benchmark:
        "benchmarks/time_phones/{dataset}/{shard}.jsonl"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=minutes_of_shard("quality"),
    params:
        settings=aligner_settings(),
        code=digest("workflow_scripts.time_phones"),
    shell:
        "python -m workflow_scripts.time_phones --code {params.code} --settings {params.settings:q}"
        " --shard {input.shard} --source {input.source} --output {output.phones} --manifest {output.manifest}"
        " > {log} 2>&1"


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


rule fit_linear_regression:
    """The ridge regression of the methods of kind linear_regression, on the training clips of a dataset."""
    input:
        index="resources/{dataset}/index.json",
    output:
        regression="results/linear_regression/{dataset}.json",
        recipe="results/linear_regression/{dataset}.recipe.json",
    log:
        "logs/fit_linear_regression/{dataset}.log",
    benchmark:
        "benchmarks/fit_linear_regression/{dataset}.jsonl"
    threads: 1
    resources:
        mem_mb=memory(3000),
        runtime=minutes(60),
    params:
        code=digest("workflow_scripts.fit_linear_regression"),
    shell:
        "python -m workflow_scripts.fit_linear_regression --code {params.code} --index {input.index}"
        " --output {output.regression} > {log} 2>&1"


rule measure_linear_regression:
    """The row of a method of kind linear_regression on one test shard: correlation of predicted and true mouths, no videos."""
    input:
        shard="resources/{dataset}/shards/test/{shard}.json",
        tar=ancient("resources/{dataset}/shards/test/{shard}.tar"),
        regression="results/linear_regression/{dataset}.json",
    output:
        metrics="results/metrics/{method}/{dataset}/{shard}.parquet",
        manifest="results/metrics/{method}/{dataset}/{shard}.json",
        recipe="results/metrics/{method}/{dataset}/{shard}.recipe.json",
    log:
        "logs/measure_linear_regression/{method}/{dataset}/{shard}.log",
    benchmark:
        "benchmarks/measure_linear_regression/{method}/{dataset}/{shard}.jsonl"
    wildcard_constraints:
        method="|".join(methods_of_kind(LINEAR_REGRESSION)) or "no-such-method",
    threads: 1
    resources:
        mem_mb=memory(1500),
        runtime=minutes_of_shard("reference"),
    params:
        subset=subset_of,
        code=digest("workflow_scripts.measure_linear_regression"),
    shell:
        "python -m workflow_scripts.measure_linear_regression --code {params.code} --shard {input.shard}"
        " --regression {input.regression} --method {wildcards.method} --subset {params.subset:q}"
        " --output {output.metrics} --manifest {output.manifest} > {log} 2>&1"


rule measure_bad_videos:
    """What every metric says of videos that are bad on purpose, made of real test clips: whether the metrics can be trusted."""
    input:
        shards=lambda wildcards: test_shards(wildcards.dataset),
        tars=lambda wildcards: [ancient(path.replace(".json", ".tar")) for path in test_shards(wildcards.dataset)],
        phones=lambda wildcards: phones_of_dataset(wildcards.dataset),
        weights=weights_of_measuring(),
    output:
        csv="results/bad_videos/{dataset}.csv",
        markdown="results/bad_videos/{dataset}.md",
    log:
        "logs/measure_bad_videos/{dataset}.log",
    benchmark:
        "benchmarks/measure_bad_videos/{dataset}.jsonl"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=minutes(60),
        gpu=config["track"]["gpus"],
        nodes=1,
    params:
        gpus=lambda wildcards, output: on_gpus(config["track"]["gpus"]),
        settings=as_json(measuring_settings()),
        code=digest("workflow_scripts.measure_bad_videos"),
    shell:
        "{params.gpus}python -m workflow_scripts.measure_bad_videos --code {params.code} --settings {params.settings:q}"
        " --shards {input.shards} --phones {input.phones}"
        " --output-csv {output.csv} --output-markdown {output.markdown} > {log} 2>&1"
