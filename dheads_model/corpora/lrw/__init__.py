"""Lip Reading in the Wild (Chung & Zisserman, ACCV 2016): 500 words of British television, a clip of 29 frames each.

The corpus is licensed, so the project contains none of it and no checksums are published: a run starts from an unpacked
folder, or from the parts that the licensee downloads. Nothing is imported here: the Snakefile only needs `index`, which is
standard library only.
"""
