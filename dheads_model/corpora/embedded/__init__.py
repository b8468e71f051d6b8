"""The embedded corpus: a public-domain portrait that speaks CREMA-D's sentences, in CREMA-D's layout.

Nothing is imported here: the Snakefile needs `clips` alone, which is standard library only.
"""
