# From a corpus to verified source files, a shard of clips a job: each lists its clips, then opens them.
# Each dataset has its own rule, defined by its module in dheads_model/corpora/datasets/.

for dataset, about in DATASETS.items():

    rule:
        """Source files of one shard of a dataset: listed again, fetched, made or found, and checked."""
        name:
            about.source.rule
        input:
            fetched=fetched_corpus(dataset),
        output:
            plan=f"resources/{dataset}/plan/{{shard}}.json",
            manifest=f"resources/{dataset}/source/{{shard}}.json",
            recipe=f"resources/{dataset}/source/{{shard}}.recipe.json",
        log:
            f"logs/{about.source.rule}/{{shard}}.log",
        benchmark:
            f"benchmarks/{about.source.rule}/{{shard}}.jsonl"
        # What needs the network runs where the user's Snakemake does: compute nodes often have none.
        localrule: about.source.downloads > 0
        threads: about.source.threads(config)
        resources:
            mem_mb=memory(about.source.mem_mb),
            runtime=minutes(about.source.minutes),
            downloads=about.source.downloads,
        params:
            command=f"{about.source.command} --dataset {dataset} --corpus-folder resources/{dataset}/corpus",
            settings=as_json(about.source.settings(config)),
            hosts=hosts_of(dataset),
            budget=budget_in(dataset),
            planning=planning_of(dataset),
            membership=membership_in(dataset),
            code=digest(f"workflow_scripts.{about.source.command}"),
            more_code=[digest(module) for module in about.source.more_code],
        shell:
            "python -m workflow_scripts.{params.command} --code {params.code} --settings {params.settings:q}"
            " --hosts {params.hosts:q} --budget {params.budget:q} --planning {params.planning:q}"
            " --shard {wildcards.shard} --membership {params.membership} --plan {output.plan}"
            " --manifest {output.manifest} > {log} 2>&1"

    if about.fetch:

        rule:
            """Download a corpus or a part of it, unpack it and list its clips."""
            name:
                about.fetch.rule
            output:
                manifest=about.fetch.product,
            log:
                f"logs/{about.fetch.rule}{of_part(about.fetch)}.log",
            benchmark:
                f"benchmarks/{about.fetch.rule}{of_part(about.fetch)}.jsonl"
            localrule: True
            threads: 1
            resources:
                mem_mb=memory(about.fetch.mem_mb),
                runtime=about.fetch.minutes,
                downloads=1,
            params:
                command=about.fetch.rule,
                folders=" ".join(f"{option} {folder}" for option, folder in about.fetch.folders.items()),
                part=part_option,
                tracked=as_json(about.fetch.tracked(config)),
                hosts=fetch_settings(dataset),
                code=digest(f"workflow_scripts.{about.fetch.rule}"),
            shell:
                "python -m workflow_scripts.{params.command} --code {params.code} --settings {params.hosts:q}"
                " {params.folders} {params.part} --manifest {output.manifest} > {log} 2>&1"


rule fetch_weights:
    """Put one file of network weights in place, from the folder of config key weights or by download, and check its hash."""
    output:
        "resources/weights/{name}",
    log:
        "logs/fetch_weights/{name}.log",
    benchmark:
        "benchmarks/fetch_weights/{name}.jsonl"
    localrule: True
    threads: 1
    resources:
        mem_mb=memory(500),
        runtime=60,
    params:
        # They take `output`, so Snakemake does not track them: a checkout elsewhere, or a file in place, is fetched no second time.
        table=lambda wildcards, output: f"{PROJECT}/config/weights.tsv",
        folder=lambda wildcards, output: given_path(config["weights"]) if config["weights"] else "",
        code=digest("workflow_scripts.fetch_weights"),
    shell:
        "python -m workflow_scripts.fetch_weights --code {params.code} --name {wildcards.name}"
        " --table {params.table:q} --folder {params.folder:q} --output {output} > {log} 2>&1"
