# Speed benchmarks, each against a plain alternative in the same run; results are JSON with the command and the machine.


rule benchmark_preparation:
    """Track, align, crop and encode against a bare loop of decoder and detector on the same clips."""
    input:
        source=[
            f"resources/{dataset}/source/{number}.json"
            for dataset in PLAN.shards
            for number in PLAN.numbers(dataset)[:1]
        ],
        weights=weights_of_back_end(),
    output:
        report("results/benchmarks/preparation.json", caption="../config/report/benchmark.rst", category="Benchmarks"),
    log:
        "logs/benchmark_preparation.log",
    threads: 2
    resources:
        mem_mb=3000,
        runtime=30,
    params:
        settings=as_json({name: config[name] for name in ("track", "align", "crop")}),
        code=digest("workflow_scripts.benchmarks.preparation"),
    shell:
        "python -m workflow_scripts.benchmarks.preparation --code {params.code} --settings {params.settings:q}"
        " --source {input.source} --threads {threads} --output {output} > {log} 2>&1"


rule benchmark_metrics:
    """Clips per second of every metric without downloaded weights, and minutes for CREMA-D's test split by extrapolation."""
    input:
        shards=lambda wildcards: [path for dataset in list(PLAN.shards)[:1] for path in test_shards(dataset)],
        weights=weights_of_back_end(),
    output:
        json="results/benchmarks/metrics.json",
        table=report("results/benchmarks/metrics.md", caption="../config/report/benchmark.rst", category="Benchmarks"),
    log:
        "logs/benchmark_metrics.log",
    threads: 2
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        settings=as_json({key: config["track"][key] for key in ("backend", "precision")}),
        code=digest("workflow_scripts.benchmarks.metrics"),
    shell:
        "python -m workflow_scripts.benchmarks.metrics --code {params.code} --settings {params.settings:q}"
        " --shards {input.shards} --output {output.json} > {log} 2>&1"


rule benchmark_throughput:
    """Clips per second of the whole preparation by cores and shard size, time per stage, and an estimate for CREMA-D."""
    input:
        source=[
            f"resources/{dataset}/source/{number}.json"
            for dataset in list(PLAN.shards)[:1]
            for number in PLAN.numbers(dataset)[:4]
        ],
    output:
        json="results/benchmarks/throughput.json",
        table=report(
            "results/benchmarks/throughput.md", caption="../config/report/benchmark.rst", category="Benchmarks"
        ),
    log:
        "logs/benchmark_throughput.log",
    threads: 2
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        settings=as_json({name: config[name] for name in ("track", "align", "crop", "landmark", "audio", "budget")}),
        code=digest("workflow_scripts.benchmarks.throughput"),
    shell:
        "python -m workflow_scripts.benchmarks.throughput --code {params.code} --settings {params.settings:q}"
        " --source {input.source} --weights-folder resources/weights --output {output.json} > {log} 2>&1"


rule benchmark_loader:
    """Training windows per second of the loader, from memory and streamed, against the rate of training."""
    input:
        index=[f"resources/{dataset}/index.json" for dataset in list(PLAN.shards)[:1]],
        log=[f"results/runs/{run}/training.jsonl" for run in PLAN.trained_runs()[:1]],
    output:
        report("results/benchmarks/loader.json", caption="../config/report/benchmark.rst", category="Benchmarks"),
    log:
        "logs/benchmark_loader.log",
    threads: 2
    resources:
        mem_mb=3000,
        runtime=30,
    params:
        settings=as_json({"stream_passes": config["runs"][benchmarked_run()]["training"]["stream_passes"]}),
        code=digest("workflow_scripts.benchmarks.loader"),
    shell:
        "python -m workflow_scripts.benchmarks.loader --code {params.code} --settings {params.settings:q}"
        " --index {input.index}"
        " --training-log {input.log} --output {output} > {log} 2>&1"


rule benchmark_training:
    """Training images per second and utilisation of the device's peak FLOP/s, against a plain loop."""
    input:
        index=lambda wildcards: f"resources/{config['runs'][benchmarked_run()]['dataset']}/index.json",
    output:
        json="results/benchmarks/training.json",
        table=report("results/benchmarks/training.md", caption="../config/report/benchmark.rst", category="Benchmarks"),
    log:
        "logs/benchmark_training.log",
    threads: 2
    resources:
        mem_mb=4000,
        runtime=30,
        gpu=lambda wildcards: min(config["runs"][benchmarked_run()]["gpus"], 1),
    params:
        settings=lambda wildcards: settings("runs", benchmarked_run()),
        gpus=lambda wildcards, output: on_gpus(min(config["runs"][benchmarked_run()]["gpus"], 1)),
        code=digest("workflow_scripts.benchmarks.training"),
    shell:
        "{params.gpus}python -m workflow_scripts.benchmarks.training --code {params.code} --settings {params.settings:q}"
        " --index {input.index} --threads {threads} --output {output.json} > {log} 2>&1"


rule benchmark_planning:
    """Time and memory of planning 2,000 shards, the whole of CREMA-D and LRW, and a run with nothing to do."""
    output:
        report("results/benchmarks/planning.json", caption="../config/report/benchmark.rst", category="Benchmarks"),
    log:
        "logs/benchmark_planning.log",
    threads: 2
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=digest("workflow_scripts.benchmarks.planning"),
    shell:
        "python -m workflow_scripts.benchmarks.planning --code {params.code} --output {output} > {log} 2>&1"


rule benchmark_sampling:
    """Frames per second of a trained model, against the published algorithm with the same weights."""
    input:
        model=lambda wildcards: model_of_method(benchmarked_method()),
    output:
        json="results/benchmarks/sampling.json",
        table=report("results/benchmarks/sampling.md", caption="../config/report/benchmark.rst", category="Benchmarks"),
    log:
        "logs/benchmark_sampling.log",
    threads: 2
    resources:
        mem_mb=4000,
        runtime=60,
        gpu=lambda wildcards: config["methods"][benchmarked_method()]["gpus"],
    params:
        settings=lambda wildcards: settings("methods", benchmarked_method()),
        gpus=lambda wildcards, output: on_gpus(config["methods"][benchmarked_method()]["gpus"]),
        code=digest("workflow_scripts.benchmarks.sampling"),
    shell:
        "{params.gpus}python -m workflow_scripts.benchmarks.sampling --code {params.code} --settings {params.settings:q}"
        " --model {input.model:q} --threads {threads} --output {output.json} > {log} 2>&1"


rule sample_steps:
    """Videos of a trained model with fewer steps than 100, for `benchmark_steps`."""
    input:
        model=lambda wildcards: model_of_method(benchmarked_method()),
        shards=lambda wildcards: benchmarked_shards(),
        tars=lambda wildcards: [ancient(path.replace(".json", ".tar")) for path in benchmarked_shards()],
        encoder=published_audio_encoder() if config["model"] else [],
    output:
        json="results/benchmarks/steps_videos.json",
        tar="results/benchmarks/steps_videos.tar",
    log:
        "logs/sample_steps.log",
    threads: 2
    resources:
        mem_mb=4000,
        runtime=240,
        gpu=lambda wildcards: config["methods"][benchmarked_method()]["gpus"],
    params:
        settings=lambda wildcards: settings("methods", benchmarked_method()),
        gpus=lambda wildcards, output: on_gpus(config["methods"][benchmarked_method()]["gpus"]),
        seed=config["seed"],
        code=digest("workflow_scripts.benchmarks.sample_steps"),
    shell:
        "{params.gpus}python -m workflow_scripts.benchmarks.sample_steps --code {params.code} --settings {params.settings:q}"
        " --model {input.model:q} --shards {input.shards} --published-audio-encoder {input.encoder:q}"
        " --seed {params.seed} --threads {threads} --tar {output.tar} --output {output.json} 2>&1 | tee -i {log}"


rule benchmark_steps:
    """Quality of a trained model with fewer steps than 100: mouth, head, eyes, sharpness, and drift over 1,000 frames."""
    input:
        videos="results/benchmarks/steps_videos.json",
        tar=ancient("results/benchmarks/steps_videos.tar"),
        shards=lambda wildcards: benchmarked_shards(),
        tars=lambda wildcards: [ancient(path.replace(".json", ".tar")) for path in benchmarked_shards()],
        weights=weights_of_back_end(),
    output:
        json="results/benchmarks/steps.json",
        table=report("results/benchmarks/steps.md", caption="../config/report/benchmark.rst", category="Benchmarks"),
    log:
        "logs/benchmark_steps.log",
    threads: 2
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        settings=as_json({"backend": config["track"]["backend"]}),
        code=digest("workflow_scripts.benchmarks.steps"),
    shell:
        "python -m workflow_scripts.benchmarks.steps --code {params.code} --settings {params.settings:q}"
        " --videos {input.videos} --shards {input.shards} --threads {threads} --output {output.json} > {log} 2>&1"


rule sample_long:
    """Videos of five minutes of a trained model, one of each of several test speakers, for `benchmark_long_video`."""
    input:
        model=lambda wildcards: model_of_method(benchmarked_method()),
        shards=lambda wildcards: benchmarked_shards(),
        tars=lambda wildcards: [ancient(path.replace(".json", ".tar")) for path in benchmarked_shards()],
        encoder=published_audio_encoder() if config["model"] else [],
    output:
        json="results/benchmarks/long_videos.json",
        tar="results/benchmarks/long_videos.tar",
    log:
        "logs/sample_long.log",
    threads: 2
    resources:
        mem_mb=4000,
        runtime=240,
        gpu=lambda wildcards: config["methods"][benchmarked_method()]["gpus"],
    params:
        settings=lambda wildcards: settings("methods", benchmarked_method()),
        gpus=lambda wildcards, output: on_gpus(config["methods"][benchmarked_method()]["gpus"]),
        seed=config["seed"],
        code=digest("workflow_scripts.benchmarks.sample_long"),
    shell:
        "{params.gpus}python -m workflow_scripts.benchmarks.sample_long --code {params.code} --settings {params.settings:q}"
        " --model {input.model:q} --shards {input.shards} --published-audio-encoder {input.encoder:q}"
        " --seed {params.seed} --threads {threads} --tar {output.tar} --output {output.json} 2>&1 | tee -i {log}"


rule benchmark_long_video:
    """Whether a video of five minutes keeps the face, its sharpness and its place, by windows of ten seconds."""
    input:
        videos="results/benchmarks/long_videos.json",
        tar=ancient("results/benchmarks/long_videos.tar"),
        shards=lambda wildcards: benchmarked_shards(),
        tars=lambda wildcards: [ancient(path.replace(".json", ".tar")) for path in benchmarked_shards()],
        weights=weights_of_back_end(),
    output:
        json="results/benchmarks/long_video.json",
        table=report(
            "results/benchmarks/long_video.md", caption="../config/report/long_video.rst", category="Benchmarks"
        ),
        figure=report(
            "results/benchmarks/long_video.png", caption="../config/report/long_video.rst", category="Benchmarks"
        ),
    log:
        "logs/benchmark_long_video.log",
    threads: 2
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        settings=as_json({"backend": config["track"]["backend"], "identity": config["metrics"]["identity"]}),
        code=digest("workflow_scripts.benchmarks.long_video"),
    shell:
        "python -m workflow_scripts.benchmarks.long_video --code {params.code} --settings {params.settings:q}"
        " --videos {input.videos} --shards {input.shards} --threads {threads} --output {output.json} > {log} 2>&1"


rule write_resource_use:
    """Time, memory and processor use of each rule, of the jobs that ran in this folder."""
    output:
        csv="results/benchmarks/resources.csv",
        markdown="results/benchmarks/resources.md",
        plot="results/benchmarks/resources.png",
    log:
        "logs/write_resource_use.log",
    localrule: True
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        settings=lambda wildcards: as_json(asked_memory()),
        # New jobs have new files, so it runs again after them.
        files=lambda wildcards: listing_below("benchmarks"),
        code=digest("workflow_scripts.write_resource_use"),
    shell:
        "python -m workflow_scripts.write_resource_use --code {params.code} --settings {params.settings:q}"
        " --csv {output.csv} --markdown {output.markdown} --plot {output.plot} > {log} 2>&1"
