"""Reading the pickles in PyTorch's files without executing anything: tensors become descriptions, objects stand-ins."""

import io
import pickle
import pickletools
from collections import OrderedDict
from typing import NamedTuple

import torch

STORAGES = {
    "FloatStorage": torch.float32, "DoubleStorage": torch.float64, "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16, "LongStorage": torch.int64, "IntStorage": torch.int32,
    "ShortStorage": torch.int16, "CharStorage": torch.int8, "ByteStorage": torch.uint8, "BoolStorage": torch.bool,
}  # fmt: skip
_TRACES_OF_DAMAGE = (
    pickle.UnpicklingError, AttributeError, EOFError, IndexError, KeyError, MemoryError, OverflowError, TypeError,
    ValueError,
)  # fmt: skip


class StandIn:
    """Placeholder of an object whose class is not loaded: `stored_class` is its name, `state` its content."""

    stored_class = "unknown"

    def __new__(cls, *arguments, **named):
        made = super().__new__(cls)
        made.state = None
        return made

    def __init__(self, *arguments, **named):
        """Accept any arguments."""

    def __setstate__(self, state):
        self.state = state

    def __call__(self, *arguments, **named):
        return StandIn()

    # Pickles of subclasses of lists and dictionaries add their items one by one.
    def append(self, item):
        """Discard an item."""

    def extend(self, items):
        """Discard items."""

    def __setitem__(self, key, item):
        """Discard an item."""


# Tuples, because a pickle can change the attributes of other objects after they were checked.
class StoredStorage(NamedTuple):
    """Values in an entry of a file. dtype: a torch.dtype, or the `StandIn` class of a type that is not known here."""

    key: str
    dtype: torch.dtype | type[StandIn]
    numel: int


class StoredTensor(NamedTuple):
    """A tensor as a view of a storage; offset and stride count values."""

    storage: StoredStorage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


def read_pickle(content: bytes):
    """Content of a pickle in PyTorch's zip files: plain containers, numbers and strings, `StoredTensor` for a tensor or
    parameter, a `StandIn` for an object of any other class.

    Nothing named in the pickle is imported or called. Raises ValueError when it is damaged.
    """
    try:
        for opcode, argument, _ in pickletools.genops(content):
            # The unpickler allocates memory for this number of objects.
            if opcode.name in ("PUT", "LONG_BINPUT") and argument > len(content):
                raise ValueError(f"it numbers an object {argument}")
        return _InertUnpickler(io.BytesIO(content)).load()
    except _TRACES_OF_DAMAGE as problem:
        raise ValueError(f"{type(problem).__name__}: {problem}") from problem


class _InertUnpickler(pickle.Unpickler):
    def __init__(self, stream: io.BytesIO):
        super().__init__(stream)
        # New for each pickle, because a pickle can set attributes of a class.
        self.classes: dict[str, type[StandIn]] = {}

    def find_class(self, module: str, name: str):
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        known = {
            "collections.OrderedDict": OrderedDict,
            "torch._utils._rebuild_tensor_v2": _rebuild_tensor,
            "torch._utils._rebuild_parameter": _rebuild_parameter,
        }
        full = f"{module}.{name}"
        if full in known:
            return known[full]
        if full not in self.classes:
            self.classes[full] = type("StandIn", (StandIn,), {"stored_class": full})
        return self.classes[full]

    def persistent_load(self, reference):
        kind, dtype, key, _, numel = reference
        known = isinstance(dtype, torch.dtype) or (isinstance(dtype, type) and issubclass(dtype, StandIn))
        if kind != "storage" or not known or not isinstance(key, str) or not _is_count(numel):
            raise pickle.UnpicklingError("a reference to something else than values")
        return StoredStorage(key, dtype, numel)


# Objects without attributes instead of functions, because a pickle can set attributes of a function.
class _TensorBuilder:
    __slots__ = ()

    def __call__(self, storage, offset, size, stride, *_):
        right = type(storage) is StoredStorage and type(size) is tuple and type(stride) is tuple
        if not right or len(size) != len(stride) or not all(map(_is_count, (offset, *size, *stride))):
            raise pickle.UnpicklingError("a tensor whose storage, offset, size or stride is something else")
        return StoredTensor(storage, offset, size, stride)


class _ParameterBuilder:
    __slots__ = ()

    def __call__(self, tensor, *_):
        return tensor


_rebuild_tensor, _rebuild_parameter = _TensorBuilder(), _ParameterBuilder()


def _is_count(value) -> bool:
    return type(value) is int and value >= 0
