"""One module a sampler, with its function and one object `SAMPLER` (see dheads_model/diffusion/sampler.py)."""
