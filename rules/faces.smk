# From source files to aligned face crops with landmarks, a shard of clips a job.


rule track_faces:
    """Find the face and its 68 landmarks in every frame."""
    input:
        source="resources/{dataset}/source/{shard}.json",
        weights=weights_of_back_end(),
    output:
        track="resources/{dataset}/track/{shard}.parquet",
        manifest="resources/{dataset}/track/{shard}.json",
        recipe="resources/{dataset}/track/{shard}.recipe.json",
    log:
        "logs/track_faces/{dataset}/{shard}.log",
    benchmark:
        "benchmarks/track_faces/{dataset}/{shard}.jsonl"
    threads: 1
    resources:
        mem_mb=memory(memory_of_tracking()),
        runtime=minutes_of_shard("track"),
        gpu=config["track"]["gpus"],
        nodes=1,
    params:
        gpus=lambda wildcards, output: on_gpus(config["track"]["gpus"]),
        settings=settings("track"),
        budget=budget_of,
        code=digest("workflow_scripts.track_faces"),
    shell:
        "{params.gpus}python -m workflow_scripts.track_faces --code {params.code} --settings {params.settings:q}"
        " --budget {params.budget:q} --source {input.source} --weights-folder resources/weights"
        " --threads {threads} --output {output.track} --manifest {output.manifest} > {log} 2>&1"


rule align_faces:
    """Similarity transform of every output frame to the mean face, on a clock of 25 frames a second."""
    input:
        source="resources/{dataset}/source/{shard}.json",
        manifest="resources/{dataset}/track/{shard}.json",
        track=ancient("resources/{dataset}/track/{shard}.parquet"),
    output:
        align="resources/{dataset}/align/{shard}.parquet",
        manifest="resources/{dataset}/align/{shard}.json",
        recipe="resources/{dataset}/align/{shard}.recipe.json",
    log:
        "logs/align_faces/{dataset}/{shard}.log",
    benchmark:
        "benchmarks/align_faces/{dataset}/{shard}.jsonl"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=minutes_of_shard("stage"),
    params:
        settings=framed("align"),
        budget=budget_of,
        code=digest("workflow_scripts.align_faces"),
    shell:
        "python -m workflow_scripts.align_faces --code {params.code} --settings {params.settings:q}"
        " --budget {params.budget:q} --source {input.source} --track {input.manifest}"
        " --output {output.align} --manifest {output.manifest} > {log} 2>&1"


rule crop_faces:
    """Warp every frame to the face crop and encode it."""
    input:
        source="resources/{dataset}/source/{shard}.json",
        manifest="resources/{dataset}/align/{shard}.json",
        align=ancient("resources/{dataset}/align/{shard}.parquet"),
    output:
        crop="resources/{dataset}/crop/{shard}.tar",
        manifest="resources/{dataset}/crop/{shard}.json",
        recipe="resources/{dataset}/crop/{shard}.recipe.json",
    log:
        "logs/crop_faces/{dataset}/{shard}.log",
    benchmark:
        "benchmarks/crop_faces/{dataset}/{shard}.jsonl"
    threads: 1
    resources:
        mem_mb=memory(1500),
        runtime=minutes_of_shard("crop"),
    params:
        settings=framed("crop"),
        budget=budget_of,
        code=digest("workflow_scripts.crop_faces"),
    shell:
        "python -m workflow_scripts.crop_faces --code {params.code} --settings {params.settings:q}"
        " --budget {params.budget:q} --source {input.source} --align {input.manifest}"
        " --output {output.crop} --manifest {output.manifest} > {log} 2>&1"


rule place_landmarks:
    """The 68 landmarks in pixels of the crop."""
    input:
        source="resources/{dataset}/source/{shard}.json",
        track_manifest="resources/{dataset}/track/{shard}.json",
        align_manifest="resources/{dataset}/align/{shard}.json",
        manifest="resources/{dataset}/crop/{shard}.json",
        track=ancient("resources/{dataset}/track/{shard}.parquet"),
        align=ancient("resources/{dataset}/align/{shard}.parquet"),
        crop=ancient("resources/{dataset}/crop/{shard}.tar"),
        weights=weights_of_back_end(),
    output:
        landmark="resources/{dataset}/landmark/{shard}.parquet",
        manifest="resources/{dataset}/landmark/{shard}.json",
        recipe="resources/{dataset}/landmark/{shard}.recipe.json",
    log:
        "logs/place_landmarks/{dataset}/{shard}.log",
    benchmark:
        "benchmarks/place_landmarks/{dataset}/{shard}.jsonl"
    threads: 1
    resources:
        mem_mb=memory(1500),
        runtime=minutes_of_shard("track" if config["landmark"]["redetect"] else "stage"),
    params:
        settings=settings("landmark"),
        budget=budget_of,
        code=digest("workflow_scripts.place_landmarks"),
    shell:
        "python -m workflow_scripts.place_landmarks --code {params.code} --settings {params.settings:q}"
        " --budget {params.budget:q} --source {input.source} --track {input.track_manifest}"
        " --align {input.align_manifest} --crop {input.manifest}"
        " --output {output.landmark} --manifest {output.manifest} > {log} 2>&1"
