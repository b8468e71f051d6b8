# Table 2: an opinion study as one page, and the table from the votes that raters send back.


rule write_opinion_study:
    """One page with balanced sheets of videos, which collects votes into a file, and the key of the study."""
    input:
        videos=lambda wildcards: opinion_videos(),
    output:
        page="results/opinion_study/index.html",
        key="results/opinion_study_key.json",
    log:
        "logs/write_opinion_study.log",
    benchmark:
        "benchmarks/write_opinion_study.jsonl"
    localrule: True
    threads: 1
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        settings=lambda wildcards: as_json({k: v for k, v in config["opinion_study"].items() if k != "votes"}),
        dataset=lambda wildcards: opinion_dataset(),
        code=digest("workflow_scripts.write_opinion_study"),
    shell:
        "python -m workflow_scripts.write_opinion_study --code {params.code} --settings {params.settings:q}"
        " --videos {input.videos} --dataset {params.dataset} --output {output.page} --key {output.key} > {log} 2>&1"


rule write_table2:
    """Share of "real" votes of each method, from the folder of votes that opinion_study.votes names."""
    input:
        key="results/opinion_study_key.json",
    output:
        csv="results/table2.csv",
        markdown="results/table2.md",
        tex="results/table2.tex",
        html=report("results/table2.html", caption="../config/report/table2.rst", category="Tables"),
    log:
        "logs/write_table2.log",
    benchmark:
        "benchmarks/write_table2.jsonl"
    localrule: True
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        votes=lambda wildcards: votes_folder(),
        listing=lambda wildcards: listing_of(votes_folder()),
        code=digest("workflow_scripts.write_table2"),
    shell:
        "python -m workflow_scripts.write_table2 --code {params.code} --key {input.key} --votes {params.votes:q}"
        " --output-csv {output.csv} --output-markdown {output.markdown} --output-tex {output.tex}"
        " --output-html {output.html} > {log} 2>&1"
