"""What tests of several files are made from: networks, configs, clips, shards, media. No test file imports another."""
