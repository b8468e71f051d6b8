# Distances between all videos of a method and all real clips, from features of both.


rule extract_features:
    """Features of one method's videos of a test shard, by the network of one distance."""
    input:
        videos="results/videos/{method}/{dataset}/{shard}.json",
        weights=lambda wildcards: files_of(DISTANCES[wildcards.distance].weights, config),
    output:
        features="results/features/{distance}/{method}/{dataset}/{shard}.parquet",
        manifest="results/features/{distance}/{method}/{dataset}/{shard}.json",
        recipe="results/features/{distance}/{method}/{dataset}/{shard}.recipe.json",
    log:
        "logs/extract_features/{distance}/{method}/{dataset}/{shard}.log",
    benchmark:
        "benchmarks/extract_features/{distance}/{method}/{dataset}/{shard}.jsonl"
    threads: 1
    resources:
        mem_mb=memory(2500),
        runtime=minutes_of_shard("measure"),
    params:
        settings=lambda wildcards: as_json(distance_settings(wildcards.distance)),
        code=digest("workflow_scripts.extract_features"),
    shell:
        "python -m workflow_scripts.extract_features --code {params.code} --settings {params.settings:q}"
        " --videos {input.videos} --weights {input.weights} --output {output.features} --manifest {output.manifest}"
        " > {log} 2>&1"


rule measure_distances:
    """Distance of one method from the real clips of a dataset; of the ground truth, that of its two halves."""
    input:
        real=lambda wildcards: features_of(wildcards.distance, "ground_truth", wildcards.dataset),
        generated=lambda wildcards: features_of(wildcards.distance, wildcards.method, wildcards.dataset),
        features=lambda wildcards: [
            ancient(path.replace(".json", ".parquet"))
            for method in dict.fromkeys(("ground_truth", wildcards.method))
            for path in features_of(wildcards.distance, method, wildcards.dataset)
        ],
    output:
        distances="results/distances/{distance}/{method}/{dataset}.json",
        recipe="results/distances/{distance}/{method}/{dataset}.recipe.json",
    log:
        "logs/measure_distances/{distance}/{method}/{dataset}.log",
    benchmark:
        "benchmarks/measure_distances/{distance}/{method}/{dataset}.jsonl"
    threads: 1
    resources:
        # Features in float64 of both sets and of their draws.
        mem_mb=memory(lambda wildcards: memory_of_distances(wildcards.distance, wildcards.dataset)),
        runtime=minutes(120),
    params:
        settings=lambda wildcards: as_json(distance_settings(wildcards.distance)),
        kind=lambda wildcards: config["methods"][wildcards.method]["kind"],
        code=digest("workflow_scripts.measure_distances"),
    shell:
        "python -m workflow_scripts.measure_distances --code {params.code} --settings {params.settings:q}"
        " --real {input.real} --generated {input.generated} --method {wildcards.method} --kind {params.kind}"
        " --output {output.distances} > {log} 2>&1"
