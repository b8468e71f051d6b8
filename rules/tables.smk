# Tables and strips.


rule write_table1:
    """One row per method, one column per metric, with n and standard deviation; its provenance beside it."""
    input:
        metrics=all_metrics() + all_sync_metrics(),
        distances=all_distances(),
        indexes=all_indexes(),
        chain=chain_of_table(),
    output:
        csv="results/table1.csv",
        markdown=report("results/table1.md", caption="../config/report/table1.rst", category="Tables"),
        tex="results/table1.tex",
        html=report("results/table1.html", caption="../config/report/table1.rst", category="Tables"),
        provenance="results/table1.provenance.json",
    log:
        "logs/write_table1.log",
    benchmark:
        "benchmarks/write_table1.jsonl"
    localrule: True
    threads: 1
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        settings=table_settings(),
        provenance=provenance_input(),
        planned=as_json(planned_products()),
        made_again=made_again("results/table1.csv", lambda wildcards: chain_of_table()),
        code=digest("workflow_scripts.write_table1"),
    shell:
        "python -m workflow_scripts.write_table1 --code {params.code} --settings {params.settings:q}"
        " --metrics {input.metrics} --distances {input.distances} --indexes {input.indexes} --planned {params.planned:q}"
        " --provenance-input {params.provenance:q} --output-csv {output.csv}"
        " --output-markdown {output.markdown} --output-tex {output.tex} --output-html {output.html}"
        " --output-provenance {output.provenance} > {log} 2>&1"


rule write_seeds:
    """Mean and standard deviation of every metric over trainings that differ in their seed only (config key training_seeds)."""
    input:
        metrics=lambda wildcards: all_metrics() + all_sync_metrics() if repeats() else [],
        distances=all_distances(),
        indexes=all_indexes(),
        chain=chain_of_table(),
    output:
        csv="results/seeds.csv",
        markdown=report("results/seeds.md", caption="../config/report/seeds.rst", category="Tables"),
    log:
        "logs/write_seeds.log",
    benchmark:
        "benchmarks/write_seeds.jsonl"
    localrule: True
    threads: 1
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        settings=table_settings(),
        repeats=lambda wildcards: as_json(repeats()),
        planned=as_json(planned_products()),
        made_again=made_again("results/seeds.csv", lambda wildcards: chain_of_table()),
        code=digest("workflow_scripts.write_seeds"),
    shell:
        "python -m workflow_scripts.write_seeds --code {params.code} --settings {params.settings:q}"
        " --metrics {input.metrics} --distances {input.distances} --indexes {input.indexes} --planned {params.planned:q}"
        " --repeats {params.repeats:q} --output-csv {output.csv} --output-markdown {output.markdown} > {log} 2>&1"


rule write_per_speaker:
    """Means of every metric for each speaker and method."""
    input:
        metrics=all_metrics() + all_sync_metrics(),
        distances=all_distances(),
        indexes=all_indexes(),
        chain=chain_of_table(),
    output:
        "results/per_speaker.csv",
    log:
        "logs/write_per_speaker.log",
    benchmark:
        "benchmarks/write_per_speaker.jsonl"
    localrule: True
    threads: 1
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        settings=table_settings(),
        planned=as_json(planned_products()),
        made_again=made_again("results/per_speaker.csv", lambda wildcards: chain_of_table()),
        code=digest("workflow_scripts.write_per_speaker"),
    shell:
        "python -m workflow_scripts.write_per_speaker --code {params.code} --settings {params.settings:q}"
        " --metrics {input.metrics} --distances {input.distances} --indexes {input.indexes} --planned {params.planned:q}"
        " --output {output} > {log} 2>&1"


rule verify_table:
    """Compare table 1 of the default config with the expected one in the repository; fails if they differ."""
    input:
        metrics=all_metrics() + all_sync_metrics(),
        distances=all_distances(),
        indexes=all_indexes(),
        chain=chain_of_table(),
        expected=lambda wildcards: f"{PROJECT}/docs/expected_table1.csv",
    log:
        "logs/verify_table.log",
    localrule: True
    threads: 1
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        settings=table_settings(),
        planned=as_json(planned_products()),
        code=digest("workflow_scripts.verify_table"),
    shell:
        "python -m workflow_scripts.verify_table --code {params.code} --settings {params.settings:q}"
        " --metrics {input.metrics} --distances {input.distances} --indexes {input.indexes} --planned {params.planned:q}"
        " --expected {input.expected:q} 2>&1 | tee {log}"


rule draw_strips:
    """Frames of the ground truth above those of a method, with loudness and mouth opening below."""
    input:
        shard="resources/{dataset}/shards/test/{shard}.json",
        tar=ancient("resources/{dataset}/shards/test/{shard}.tar"),
        videos="results/videos/{method}/{dataset}/{shard}.json",
        reference="results/videos/ground_truth/{dataset}/{shard}.json",
        measured="results/metrics/{method}/{dataset}/{shard}.json",
        measured_reference="results/metrics/ground_truth/{dataset}/{shard}.json",
        landmarks=ancient("results/metrics/{method}/{dataset}/{shard}.landmarks.parquet"),
        landmarks_reference=ancient("results/metrics/ground_truth/{dataset}/{shard}.landmarks.parquet"),
        chain=chain_of_strip,
    output:
        strip=report(
            "results/strips/{method}_{dataset}_{shard}.png",
            caption="../config/report/strips.rst",
            category="Strips",
            labels={"method": "{method}", "dataset": "{dataset}", "shard": "{shard}"},
        ),
    log:
        "logs/draw_strips/{method}_{dataset}_{shard}.log",
    benchmark:
        "benchmarks/draw_strips/{method}_{dataset}_{shard}.jsonl"
    localrule: True
    threads: 1
    resources:
        mem_mb=1500,
        runtime=20,
    params:
        settings=settings("strips"),
        made_again=made_again("results/strips/{method}_{dataset}_{shard}.png", chain_of_strip),
        code=digest("workflow_scripts.draw_strips"),
    shell:
        "python -m workflow_scripts.draw_strips --code {params.code} --settings {params.settings:q}"
        " --shard {input.shard} --videos {input.videos} --reference {input.reference}"
        " --measured {input.measured} --measured-reference {input.measured_reference}"
        " --method {wildcards.method} --output {output.strip} > {log} 2>&1"
