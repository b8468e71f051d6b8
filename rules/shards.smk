# Audio and its features, WebDataset shards, their index and the status of every clip.


rule extract_audio:
    """Audio at 16 kHz on the clock of the crops, and its log filterbank."""
    input:
        source="resources/{dataset}/source/{shard}.json",
        manifest="resources/{dataset}/align/{shard}.json",
    output:
        audio="resources/{dataset}/audio/{shard}.tar",
        manifest="resources/{dataset}/audio/{shard}.json",
        recipe="resources/{dataset}/audio/{shard}.recipe.json",
    log:
        "logs/extract_audio/{dataset}/{shard}.log",
    benchmark:
        "benchmarks/extract_audio/{dataset}/{shard}.jsonl"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=minutes_of_shard("stage"),
    params:
        settings=settings("audio"),
        budget=budget_of,
        code=digest("workflow_scripts.extract_audio"),
    shell:
        "python -m workflow_scripts.extract_audio --code {params.code} --settings {params.settings:q}"
        " --budget {params.budget:q} --source {input.source} --align {input.manifest}"
        " --output {output.audio} --manifest {output.manifest} > {log} 2>&1"


rule pack_shards:
    """One WebDataset tar with all data of the clips of a shard."""
    input:
        source="resources/{dataset}/source/{shard}.json",
        track="resources/{dataset}/track/{shard}.json",
        align="resources/{dataset}/align/{shard}.json",
        crop="resources/{dataset}/crop/{shard}.json",
        landmark="resources/{dataset}/landmark/{shard}.json",
        audio="resources/{dataset}/audio/{shard}.json",
        crop_file=ancient("resources/{dataset}/crop/{shard}.tar"),
        landmark_file=ancient("resources/{dataset}/landmark/{shard}.parquet"),
        audio_file=ancient("resources/{dataset}/audio/{shard}.tar"),
    output:
        tar="resources/{dataset}/shards/{split}/{shard}.tar",
        manifest="resources/{dataset}/shards/{split}/{shard}.json",
        recipe="resources/{dataset}/shards/{split}/{shard}.recipe.json",
    log:
        "logs/pack_shards/{dataset}/{split}/{shard}.log",
    benchmark:
        "benchmarks/pack_shards/{dataset}/{split}/{shard}.jsonl"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=minutes_of_shard("stage"),
    params:
        settings=as_json({}),
        budget=budget_of,
        code=digest("workflow_scripts.pack_shards"),
    shell:
        "python -m workflow_scripts.pack_shards --code {params.code} --settings {params.settings:q}"
        " --budget {params.budget:q} --source {input.source} --track {input.track} --align {input.align}"
        " --crop {input.crop} --landmark {input.landmark} --audio {input.audio}"
        " --output {output.tar} --manifest {output.manifest} > {log} 2>&1"


rule index_shards:
    """The list of all shards with their hashes: what training reads."""
    input:
        shards=lambda wildcards: shard_manifests(wildcards.dataset),
        chain=lambda wildcards: chain_of_dataset(wildcards.dataset),
    output:
        index="resources/{dataset}/index.json",
        recipe="resources/{dataset}/index.recipe.json",
    log:
        "logs/index_shards/{dataset}.log",
    benchmark:
        "benchmarks/index_shards/{dataset}.jsonl"
    localrule: True
    threads: 1
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        planned=lambda wildcards: as_json(planned_stages(wildcards.dataset)),
        memberships=lambda wildcards: memberships_of(wildcards.dataset),
        made_again=made_again("resources/{dataset}/index.json", lambda wildcards: chain_of_dataset(wildcards.dataset)),
        code=digest("workflow_scripts.index_shards"),
    shell:
        "python -m workflow_scripts.index_shards --code {params.code} --shards {input.shards}"
        " --planned {params.planned:q} --memberships {params.memberships}"
        " --output {output.index} > {log} 2>&1"


rule write_data_card:
    """Status of every planned clip: kept, filtered, failed, with reasons and hours."""
    input:
        plans=[ancient(path) for dataset in PLAN.shards for path in plan_files(dataset)],
        manifests=[path for dataset in PLAN.shards for path in stage_manifests(dataset)],
    output:
        csv=report("results/data_card.csv", caption="../config/report/data_card.rst", category="Data"),
        markdown="results/data_card.md",
    log:
        "logs/write_data_card.log",
    benchmark:
        "benchmarks/write_data_card.jsonl"
    # Before jobs that stop if there are too few clips, so that the card has the reasons.
    priority: 10
    localrule: True
    threads: 1
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        shards=as_json({dataset: PLAN.numbers(dataset) for dataset in PLAN.shards}),
        absent=as_json(PLAN.absent),
        made_again=made_again(
            "results/data_card.csv",
            lambda wildcards: [path for dataset in PLAN.shards for path in stage_manifests(dataset)],
        ),
        code=digest("workflow_scripts.write_data_card"),
    shell:
        "python -m workflow_scripts.write_data_card --code {params.code} --shards {params.shards:q}"
        " --absent {params.absent:q} --resources resources --output-csv {output.csv} --output-markdown {output.markdown} > {log} 2>&1"


rule measure_quality:
    """Frame rate, length, face size and pose, audio lag of every prepared clip of a shard."""
    input:
        track="resources/{dataset}/track/{shard}.json",
        track_file=ancient("resources/{dataset}/track/{shard}.parquet"),
        shard=lambda wildcards: shard_manifest(wildcards.dataset, wildcards.shard),
    output:
        "resources/{dataset}/quality/{shard}.parquet",
    log:
        "logs/measure_quality/{dataset}/{shard}.log",
    benchmark:
        "benchmarks/measure_quality/{dataset}/{shard}.jsonl"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=minutes_of_shard("quality"),
    params:
        code=digest("workflow_scripts.measure_quality"),
    shell:
        "python -m workflow_scripts.measure_quality --code {params.code} --track {input.track}"
        " --shard {input.shard} --output {output} > {log} 2>&1"


rule write_quality_report:
    """Report on a prepared dataset: contact sheet, histograms, outlier clips."""
    input:
        quality=lambda wildcards: quality_tables(wildcards.dataset),
        chain=lambda wildcards: stage_manifests(wildcards.dataset),
    output:
        page="results/quality/{dataset}/quality.md",
        sheet=report(
            "results/quality/{dataset}/contact_sheet.png", caption="../config/report/quality.rst", category="Data"
        ),
        worst="results/quality/{dataset}/worst.png",
        histograms=report(
            "results/quality/{dataset}/histograms.png", caption="../config/report/quality.rst", category="Data"
        ),
    log:
        "logs/write_quality_report/{dataset}.log",
    benchmark:
        "benchmarks/write_quality_report/{dataset}.jsonl"
    localrule: True
    threads: 1
    resources:
        mem_mb=1500,
        runtime=20,
    params:
        settings=settings("quality"),
        made_again=made_again(
            "results/quality/{dataset}/quality.md",
            lambda wildcards: stage_manifests(wildcards.dataset) + quality_tables(wildcards.dataset),
        ),
        shards=lambda wildcards: PLAN.numbers(wildcards.dataset),
        code=digest("workflow_scripts.write_quality_report"),
    shell:
        "python -m workflow_scripts.write_quality_report --code {params.code} --settings {params.settings:q}"
        " --measured-folder resources/{wildcards.dataset}/quality --shards {params.shards} --sheet {output.sheet}"
        " --worst {output.worst} --histograms {output.histograms} --page {output.page} > {log} 2>&1"


rule retry_failed:
    """Remove the results of stages in which clips failed; the next run repeats them."""
    log:
        "logs/retry_failed.log",
    localrule: True
    params:
        datasets=list(PLAN.shards),
    shell:
        "python -m workflow_scripts.retry_failed --datasets {params.datasets} 2>&1 | tee -i {log}"
