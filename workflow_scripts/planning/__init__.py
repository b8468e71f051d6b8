"""What the Snakefile does before any job runs: check the config, list clips, cut shards, count disk space."""
