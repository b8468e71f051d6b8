"""Lip Reading in the Wild (Chung & Zisserman, ACCV 2016): 500 words of British television, a clip of 29 frames each.

The corpus is licensed, so nothing of it is here and no checksum of it is published: an unpacked folder, or the parts
that the licensee fetches, are what a run begins with. Nothing is imported here: the Snakefile needs `index` alone,
which is standard library only.
"""
