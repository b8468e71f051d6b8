# Training of the runs that the config names.


rule train_model:
    """Train a run; its state lies outside of the declared outputs, so the same command resumes where it stopped."""
    input:
        index=lambda wildcards: f"resources/{config['runs'][wildcards.run]['dataset']}/index.json",
        audio_encoder=audio_encoder_of,
        audio_encoder_checksum=lambda wildcards: [
            path.replace(".safetensors", ".sha256") for path in [audio_encoder_of(wildcards)] if path
        ],
        encoder=encoder_of_run,
        teacher=lambda wildcards: [ancient(path) for path in teacher_of(wildcards.run)],
        teacher_checksum=lambda wildcards: [
            path.replace(".safetensors", ".sha256") for path in teacher_of(wildcards.run)
        ],
    output:
        model="results/runs/{run}/model.safetensors",
        checksum="results/runs/{run}/model.sha256",
        recipe="results/runs/{run}/model.recipe.json",
        facts="results/runs/{run}/model.json",
        log="results/runs/{run}/training.jsonl",
    log:
        "logs/train_model/{run}.log",
    benchmark:
        "benchmarks/train_model/{run}.jsonl"
    threads: threads_of_a_node(lambda wildcards: threads_of_training(config["runs"][wildcards.run]["gpus"]))
    resources:
        mem_mb=memory(lambda wildcards: memory_of_run(config["runs"][wildcards.run])),
        # A training that meets this limit goes back into the queue: profiles/slurm.
        runtime=2880,
        gpu=lambda wildcards: config["runs"][wildcards.run]["gpus"],
        nodes=1,
    params:
        settings=lambda wildcards: settings("runs", wildcards.run),
        framing=lambda wildcards: training_framing(config["runs"][wildcards.run]["dataset"]),
        # It takes `output`, so Snakemake does not track it: another sampling is no reason to train.
        methods=lambda wildcards, output: sampling_of_run(wildcards.run),
        state=state_of_run,
        launcher=lambda wildcards, resources: launcher(config["runs"][wildcards.run]["gpus"], resources),
        code=digest("workflow_scripts.train_model"),
    shell:
        "until_done {params.launcher} -m workflow_scripts.train_model --code {params.code} --settings {params.settings:q}"
        " --framing {params.framing:q} --methods {params.methods:q} --audio-encoder {input.audio_encoder}"
        " --published-audio-encoder {input.encoder:q} --teacher {input.teacher} --index {input.index}"
        " --state {params.state} --threads {threads}"
        " --output {output.model} --training-log {output.log} > {log} 2>&1"


rule plot_training:
    """Loss curves of a run."""
    input:
        log="results/runs/{run}/training.jsonl",
    output:
        plot=report("results/runs/{run}/loss.png", caption="../config/report/loss.rst", category="Training"),
    log:
        "logs/plot_training/{run}.log",
    benchmark:
        "benchmarks/plot_training/{run}.jsonl"
    localrule: True
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        made_again=made_again(
            "results/runs/{run}/loss.png", lambda wildcards: [f"results/runs/{wildcards.run}/training.jsonl"]
        ),
        code=digest("workflow_scripts.plot_training"),
    shell:
        "python -m workflow_scripts.plot_training --code {params.code} --log {input.log}"
        " --output {output.plot} > {log} 2>&1"
