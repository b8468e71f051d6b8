"""Pins the instructions of libraries, so that all x86-64 processors with AVX2 give the same bytes.

PyTorch, oneDNN, MKL, OpenBLAS, NumPy and OpenCV select instructions by the processor, and sum in another order with
others. They read environment variables, most of them at import: hence `pin` runs when this package is imported, before
them. docs/numbers.md has the measured effect of each variable, and what cannot be pinned.
"""

import os
import platform
from collections.abc import Collection
from pathlib import Path

# Read by PyTorch, oneDNN, MKL, OpenBLAS (NumPy's and SciPy's) and the IPP in OpenCV, in this order. MKL ignores AVX2 on
# processors of others than Intel, and takes COMPATIBLE, its branch for all, on both. Its vector functions
# (sqrt, exp, log) have a variable of their own, which is not documented; 3 is what it selects on an Intel with AVX2.
PINNED = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_CBWR": "COMPATIBLE",
    "MKL_VML_DEBUG_CPU_TYPE": "3",
    "OPENBLAS_CORETYPE": "Haswell",
    "OPENCV_IPP": "avx2",
}
# Disabled features, of NumPy and OpenCV; both print warnings for features that the processor does not have.
WITHOUT_AVX512 = {
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "OPENCV_CPU_DISABLE": "AVX512-SKX",
}


def pin() -> None:
    """Set the variables for this process and its child processes, without overriding existing values."""
    os.environ.update(pinned_environment())


def pinned_environment() -> dict[str, str]:
    """The variables of this machine's processor, with the values that the environment gives them already."""
    return {name: os.environ.get(name, value) for name, value in pins(platform.machine(), processor_flags()).items()}


def pins(machine: str, flags: Collection[str]) -> dict[str, str]:
    """Variables for a processor: none unless it is an x86-64 with AVX2 and FMA, which code that they ask for needs.

    machine: as of `platform.machine`; flags: names of its features as Linux has them.
    """
    if machine not in ("x86_64", "AMD64") or not {"avx2", "fma"} <= set(flags):
        return {}
    return PINNED | (WITHOUT_AVX512 if "avx512f" in flags else {})


def processor_flags(path: Path | str = "/proc/cpuinfo") -> frozenset[str]:
    """Features of the first processor; empty where the system has no such list."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    found = next((line for line in lines if line.startswith("flags")), "")
    return frozenset(found.partition(":")[2].split())
