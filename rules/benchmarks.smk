# Speed, measured in one run against what one would use instead; results are JSON with the command and the machine.


rule benchmark_preparation:
    """Track, align, crop and encode against a bare loop of decoder and detector on the same clips."""
    input:
        source=[
            f"resources/{dataset}/source/{number}.json"
            for dataset in PLAN.shards
            for number in PLAN.numbers(dataset)[:1]
        ],
        weights=weights_of_back_end("track"),
    output:
        "results/benchmarks/preparation.json",
    log:
        "logs/benchmark_preparation.log",
    threads: 2
    resources:
        mem_mb=3000,
        runtime=30,
    params:
        settings=as_json({name: config[name] for name in ("track", "align", "crop")}),
        code=digest("workflow_scripts.benchmark_preparation"),
    shell:
        "python -m workflow_scripts.benchmark_preparation --code {params.code} --settings {params.settings:q}"
        " --source {input.source} --threads {threads} --output {output} > {log} 2>&1"


rule benchmark_loader:
    """Training windows a second from the loader, against what the trainer consumes."""
    input:
        index=[f"resources/{dataset}/index.json" for dataset in list(PLAN.shards)[:1]],
        log=[f"results/runs/{run}/training.jsonl" for run in PLAN.trained_runs()[:1]],
    output:
        "results/benchmarks/loader.json",
    log:
        "logs/benchmark_loader.log",
    threads: 2
    resources:
        mem_mb=3000,
        runtime=30,
    params:
        code=digest("workflow_scripts.benchmark_loader"),
    shell:
        "python -m workflow_scripts.benchmark_loader --code {params.code} --index {input.index}"
        " --training-log {input.log} --output {output} > {log} 2>&1"


rule benchmark_planning:
    """Time and memory of planning 2,000 shards, and of a run with nothing to do."""
    output:
        "results/benchmarks/planning.json",
    log:
        "logs/benchmark_planning.log",
    threads: 2
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=digest("workflow_scripts.benchmark_planning"),
    shell:
        "python -m workflow_scripts.benchmark_planning --code {params.code} --output {output} > {log} 2>&1"
