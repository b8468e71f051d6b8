"""The instructions that libraries calculate with: the same on every x86-64 processor with AVX2, and so the same bytes.

PyTorch, oneDNN, MKL, OpenBLAS, NumPy and OpenCV ask the processor what it has, and sum in another order on one with
AVX-512. They read variables of the environment, most of them when they are first imported: hence `pin` runs when this
package is imported, before them. docs/numbers.md says what each variable was seen to change, and what cannot be pinned.
"""

import os
import platform
from collections.abc import Collection
from pathlib import Path

# Read by PyTorch, oneDNN, MKL, OpenBLAS (NumPy's and SciPy's) and the IPP in OpenCV, in this order.
AVX2 = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_CBWR": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
    "OPENCV_IPP": "avx2",
}
# What is left out, by NumPy and OpenCV; both complain about features that the processor has not.
WITHOUT_AVX512 = {
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "OPENCV_CPU_DISABLE": "AVX512-SKX",
}


def pin() -> None:
    """Set the variables for this process and those that it starts; those that are set already stay as they are."""
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
    return AVX2 | (WITHOUT_AVX512 if "avx512f" in flags else {})


def processor_flags(path: Path | str = "/proc/cpuinfo") -> frozenset[str]:
    """Features of the first processor; empty where the system has no such list."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    found = next((line for line in lines if line.startswith("flags")), "")
    return frozenset(found.partition(":")[2].split())
