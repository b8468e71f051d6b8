# Figures of all methods together.


rule draw_figures:
    """One clip of all methods in strips (Fig. 4 of the paper), and maps of mean optical flow (Fig. 5)."""
    input:
        videos=lambda wildcards: all_videos(wildcards.dataset),
    output:
        methods=report(
            "results/figures/methods_{dataset}.png",
            caption="../config/report/figures.rst",
            category="Figures",
            labels={"dataset": "{dataset}", "figure": "the same clip of all methods"},
        ),
        flow=report(
            "results/figures/flow_{dataset}.png",
            caption="../config/report/figures.rst",
            category="Figures",
            labels={"dataset": "{dataset}", "figure": "mean optical flow"},
        ),
    log:
        "logs/draw_figures/{dataset}.log",
    benchmark:
        "benchmarks/draw_figures/{dataset}.jsonl"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        settings=settings("strips"),
        code=digest("workflow_scripts.draw_figures"),
    shell:
        "python -m workflow_scripts.draw_figures --code {params.code} --settings {params.settings:q} --videos {input.videos}"
        " --output-methods {output.methods} --output-flow {output.flow} > {log} 2>&1"


rule plot_steps:
    """Quality by number of network evaluations, and drift over a long video, from the benchmark of step counts."""
    input:
        steps="results/benchmarks/steps.json",
    output:
        report("results/figures/steps.png", caption="../config/report/steps.rst", category="Figures"),
    log:
        "logs/plot_steps.log",
    localrule: True
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=digest("workflow_scripts.plot_steps"),
    shell:
        "python -m workflow_scripts.plot_steps --code {params.code} --steps {input.steps} --output {output} > {log} 2>&1"
