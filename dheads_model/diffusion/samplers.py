"""All samplers by their name in the config, found by the modules in `dheads_model/diffusion/solvers/`.

`fingerprint.py` counts every module there as called by `sampling.py`. Standard library only.
"""

import importlib
import pkgutil

from dheads_model.diffusion import solvers
from dheads_model.diffusion.sampler import Sampler

SAMPLERS: dict[str, Sampler] = {
    found.name: importlib.import_module(f"{solvers.__name__}.{found.name}").SAMPLER
    for found in sorted(pkgutil.iter_modules(solvers.__path__), key=lambda found: found.name)
}
