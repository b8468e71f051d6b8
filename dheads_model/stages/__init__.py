"""The work of each stage on one shard, without arguments, manifests and recipes, which are the commands'."""
