# Videos of every method for every test shard. All rules have the same kind of output; the method's kind decides which one runs.


rule sample_videos:
    """Videos from a model for some clips of a test shard; each is written when it is finished, and the next try keeps it."""
    input:
        shard="resources/{dataset}/shards/test/{shard}.json",
        tar=ancient("resources/{dataset}/shards/test/{shard}.tar"),
        model=lambda wildcards: ancient(model_of(wildcards)) if checksum_of(wildcards) else model_of(wildcards),
        checksum=checksum_of,
        encoder=published_audio_encoder() if config["model"] else [],
    output:
        manifest="results/videos/{method}/{dataset}/parts/{shard}.{part}.json",
        recipe="results/videos/{method}/{dataset}/parts/{shard}.{part}.recipe.json",
    log:
        "logs/sample_videos/{method}/{dataset}/{shard}.{part}.log",
    benchmark:
        "benchmarks/sample_videos/{method}/{dataset}/{shard}.{part}.jsonl"
    wildcard_constraints:
        method="|".join(methods_of_kind("model")) or "no-such-method",
    threads: threads_of_a_node(8)
    resources:
        mem_mb=memory(3000),
        runtime=minutes(240),
        gpu=lambda wildcards: config["methods"][wildcards.method]["gpus"],
        nodes=1,
    params:
        settings=lambda wildcards: settings("methods", wildcards.method),
        gpus=lambda wildcards, output: on_gpus(config["methods"][wildcards.method]["gpus"]),
        seed=config["seed"],
        subset=subset_of,
        clips=slice_of_part,
        made_again=videos_made_again("parts/{shard}.{part}.json"),
        code=digest("workflow_scripts.sample_videos"),
    shell:
        "until_done {params.gpus}python -m workflow_scripts.sample_videos --code {params.code} --settings {params.settings:q}"
        " --shard {input.shard} --model {input.model:q} --checksum {input.checksum} --seed {params.seed} --threads {threads}"
        " --published-audio-encoder {input.encoder:q}"
        " --subset {params.subset:q} --part {wildcards.part} --clips {params.clips}"
        " --state state/sample_videos/{wildcards.method}/{wildcards.dataset}"
        " --videos-folder results/videos/{wildcards.method}/{wildcards.dataset}"
        " --manifest {output.manifest} > {log} 2>&1"


rule gather_videos:
    """One manifest of the videos of a test shard, from those of its sampling jobs."""
    input:
        shard="resources/{dataset}/shards/test/{shard}.json",
        parts=sampled_parts,
    output:
        manifest="results/videos/{method}/{dataset}/{shard}.json",
        recipe="results/videos/{method}/{dataset}/{shard}.recipe.json",
    log:
        "logs/gather_videos/{method}/{dataset}/{shard}.log",
    benchmark:
        "benchmarks/gather_videos/{method}/{dataset}/{shard}.jsonl"
    wildcard_constraints:
        method="|".join(methods_of_kind("model")) or "no-such-method",
    localrule: True
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    params:
        settings=lambda wildcards: settings("methods", wildcards.method),
        code=digest("workflow_scripts.gather_videos"),
    shell:
        "python -m workflow_scripts.gather_videos --code {params.code} --settings {params.settings:q}"
        " --shard {input.shard} --parts {input.parts} --manifest {output.manifest} > {log} 2>&1"


rule copy_reference:
    """Reference videos: the ground truth, its first frame repeated, or the ground truth of another clip."""
    input:
        shard="resources/{dataset}/shards/test/{shard}.json",
        tar=ancient("resources/{dataset}/shards/test/{shard}.tar"),
    output:
        manifest="results/videos/{method}/{dataset}/{shard}.json",
        recipe="results/videos/{method}/{dataset}/{shard}.recipe.json",
    log:
        "logs/copy_reference/{method}/{dataset}/{shard}.log",
    benchmark:
        "benchmarks/copy_reference/{method}/{dataset}/{shard}.jsonl"
    wildcard_constraints:
        method="|".join(methods_of_kind("ground_truth", "frozen_first_frame", "ground_truth_of_another"))
        or "no-such-method",
    threads: 1
    resources:
        mem_mb=memory(1500),
        runtime=minutes_of_shard("reference"),
    params:
        settings=lambda wildcards: settings("methods", wildcards.method),
        subset=subset_of,
        made_again=videos_made_again("{shard}.json"),
        code=digest("workflow_scripts.copy_reference"),
    shell:
        "python -m workflow_scripts.copy_reference --code {params.code} --settings {params.settings:q}"
        " --shard {input.shard} --subset {params.subset:q}"
        " --videos-folder results/videos/{wildcards.method}/{wildcards.dataset}"
        " --manifest {output.manifest} > {log} 2>&1"


rule adopt_videos:
    """Videos of a method that runs elsewhere, converted to the clips' frame rate, length and size."""
    input:
        shard="resources/{dataset}/shards/test/{shard}.json",
        tar=ancient("resources/{dataset}/shards/test/{shard}.tar"),
    output:
        manifest="results/videos/{method}/{dataset}/{shard}.json",
        recipe="results/videos/{method}/{dataset}/{shard}.recipe.json",
    log:
        "logs/adopt_videos/{method}/{dataset}/{shard}.log",
    benchmark:
        "benchmarks/adopt_videos/{method}/{dataset}/{shard}.jsonl"
    wildcard_constraints:
        method="|".join(methods_of_kind("videos")) or "no-such-method",
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes_of_shard("reference"),
    params:
        settings=lambda wildcards: as_json(videos_settings(wildcards.method)),
        subset=subset_of,
        made_again=videos_made_again("{shard}.json"),
        listing=lambda wildcards: listing_of(videos_settings(wildcards.method)["path"]),
        code=digest("workflow_scripts.adopt_videos"),
    shell:
        "python -m workflow_scripts.adopt_videos --code {params.code} --settings {params.settings:q}"
        " --shard {input.shard} --subset {params.subset:q} --method {wildcards.method}"
        " --videos-folder results/videos/{wildcards.method}/{wildcards.dataset}"
        " --manifest {output.manifest} > {log} 2>&1"
