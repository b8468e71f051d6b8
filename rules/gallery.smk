# A folder that opens in a browser without a server.


rule write_gallery:
    """Ground truth and every method side by side, playing in step with the sound, with table 1 and the plots."""
    input:
        videos=[path.replace("results/metrics/", "results/videos/") for path in metrics_of_videos()],
        metrics=metrics_of_videos() + all_sync_metrics(),
        sources=gallery_sources(),
        plots=[path for _, path in gallery_plots()],
        table=TABLE_PAGE,
        chain=chain_of_table(),
    output:
        index="results/gallery/index.html",
        page=report(
            directory("results/gallery/page"),
            caption="../config/report/gallery.rst",
            category="Gallery",
            htmlindex="index.html",
        ),
    log:
        "logs/write_gallery.log",
    benchmark:
        "benchmarks/write_gallery.jsonl"
    localrule: True
    threads: 1
    resources:
        mem_mb=1500,
        runtime=60,
    params:
        settings=gallery_settings(),
        planned=as_json(planned_products()),
        made_again=gallery_made_again(),
        code=digest("workflow_scripts.write_gallery"),
    shell:
        "python -m workflow_scripts.write_gallery --code {params.code} --settings {params.settings:q}"
        " --videos {input.videos} --metrics {input.metrics} --sources {input.sources} --table {input.table}"
        " --planned {params.planned:q} --folder {output.page} --output {output.index} > {log} 2>&1"
