"""The files below a folder that a user gives."""

import os
from pathlib import Path

from dheads_model.errors import UserError


def files_below(root: Path) -> list[str]:
    """Paths of all files below a folder, relative to it with "/", sorted; hidden files and folders are left out.

    Links are followed, each folder is visited once. Raises UserError for a folder that cannot be listed.
    """

    def refuse(problem: OSError):
        raise UserError(f"{problem.filename} cannot be listed ({problem.strerror}); fix its permissions.")

    paths, visited = [], set()
    for folder, subfolders, names in os.walk(root, onerror=refuse, followlinks=True):
        real = os.path.realpath(folder)
        if real in visited:  # a link to a folder above, or to one that is here already
            subfolders.clear()
            continue
        visited.add(real)
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        below = os.path.relpath(folder, root).replace(os.sep, "/")
        prefix = "" if below == "." else f"{below}/"
        paths.extend(prefix + name for name in names if not name.startswith("."))
    return sorted(paths)
