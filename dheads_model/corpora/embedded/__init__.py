"""The embedded corpus: clips of an animated public-domain portrait with CREMA-D's sentences, in CREMA-D's layout.

Nothing is imported here: the Snakefile only needs `clips`, which is standard library only.
"""
