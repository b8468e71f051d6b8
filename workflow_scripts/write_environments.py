"""Write the files of all other environments from requirements.lock: a conda environment and two container recipes."""

import argparse
from pathlib import Path

from dheads_model.files import write_text

ROOT = Path(__file__).resolve().parent.parent
HEADER = "# Written by `make environments` from requirements.lock; change that file instead."
LOCKS = {"cpu": "requirements.lock", "cuda": "requirements-cuda.lock"}
PYTHON = "3.11"
CODE = (
    "Snakefile",
    "rules",
    "profiles",
    "config",
    "workflow_scripts",
    "dheads_model",
    "pyproject.toml",
    "README.md",
    "LICENSE",
)
TORCH_CPU = "https://download.pytorch.org/whl/cpu"


def conda_environment(lock: str, kind: str) -> str:
    """A conda environment: Python from conda-forge, and the pins by pip.

    It is to be created with PIP_NO_DEPS=1, since a list of packages cannot hold --no-deps: mediapipe asks for an old numpy.
    """
    index = [f"--extra-index-url {TORCH_CPU}"] if kind == "cpu" else []
    pins = "\n".join(f"      - {line}" for line in [*index, *lock.split()])
    return (
        f"{HEADER}\n# PIP_NO_DEPS=1 conda env create --file environments/conda-{kind}.yaml\n"
        f"name: dheads-{kind}\nchannels: [conda-forge, nodefaults]\ndependencies:\n"
        f"  - python={PYTHON}\n  - pip\n  - pip:\n{pins}\n"
    )


def install_commands(kind: str) -> list[str]:
    """Shell commands that install a lock, which lies in /dheads, and the project beside it."""
    pip, lock = "python -m pip install --no-cache-dir --no-deps", f"/dheads/{LOCKS[kind]}"
    # PyTorch first: only it is asked for at PyTorch's own index.
    torch = [f"{pip} --extra-index-url {TORCH_CPU} --constraint {lock} torch"] if kind == "cpu" else []
    return [*torch, f"{pip} --requirement {lock}", f"{pip} --no-build-isolation --editable /dheads"]


def docker_recipe(kind: str) -> str:
    """A Dockerfile, to be built in the project's folder."""
    runs = "\n".join(f"RUN {command}" for command in install_commands(kind))
    copies = "\n".join(f"COPY {name} /dheads/{name}" for name in (*CODE, *LOCKS.values()))
    return f"{HEADER}\nFROM python:{PYTHON}-slim\n{copies}\n{runs}\nWORKDIR /work\n"


def apptainer_recipe(kind: str) -> str:
    """An Apptainer definition file, to be built in the project's folder."""
    commands = "\n".join(f"    {command}" for command in install_commands(kind))
    copies = "\n".join(f"    {name} /dheads/{name}" for name in (*CODE, *LOCKS.values()))
    return f"{HEADER}\nBootstrap: docker\nFrom: python:{PYTHON}-slim\n\n%files\n{copies}\n\n%post\n{commands}\n"


def environment_files(root: Path = ROOT) -> dict[str, str]:
    """{path below the project's folder: content} of all files that follow from the locks."""
    files = {}
    for kind, name in LOCKS.items():
        lock = (root / name).read_text(encoding="utf-8")
        files[f"environments/conda-{kind}.yaml"] = conda_environment(lock, kind)
        files[f"environments/{kind}.Dockerfile"] = docker_recipe(kind)
        files[f"environments/{kind}.def"] = apptainer_recipe(kind)
    return files


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    for path, content in environment_files().items():
        write_text(ROOT / path, content)
