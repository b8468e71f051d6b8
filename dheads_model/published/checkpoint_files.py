"""Reading tensors from files that PyTorch writes, without executing anything in the file.

Three formats: a TorchScript archive (`torch.jit.save`), a zip of `torch.save` with a state_dict, as Lightning's .ckpt,
and safetensors. The first two describe their tensors in a pickle, which is read without constructing its objects.
"""

import contextlib
import math
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from dheads_model.errors import UserError
from dheads_model.published.inert_pickle import STORAGES, StandIn, StoredStorage, StoredTensor, read_pickle

_ZIP = b"PK\x03\x04"
_TEXT_LIMIT = 1 << 26  # bytes of a pickle or of all source texts of an archive; real ones have less than 1 % of it
_MODULE_LIMIT = 10_000  # a published UNet has about 500
_TRACES_OF_DAMAGE = (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, ValueError)
_SCRIPT_MODULE = re.compile(
    r"^class (\w+)\(Module\):\n  __parameters__ = \[(.*)\]\n(?:  __buffers__ = \[(.*)\]\n)?", re.MULTILINE
)


@dataclass(frozen=True)
class Checkpoint:
    """Content of a checkpoint. kind: "torchscript", "state_dict" or "safetensors". tensors: by dotted name, on the
    CPU; some may share memory. hyper_parameters: those of Lightning that are numbers, strings or booleans."""

    kind: str
    tensors: dict[str, Tensor]
    hyper_parameters: dict[str, bool | int | float | str]


def read_checkpoint(path: Path | str) -> Checkpoint:
    """Tensors of a TorchScript archive, of a state_dict written by `torch.save` (Lightning's .ckpt too), or safetensors.

    Of a TorchScript archive these are the parameters and buffers, as in `state_dict()`. Memory stays below a small
    multiple of the file's size. Raises UserError for a file that is missing, cut off, damaged, of another form,
    or without tensors.
    """
    path = Path(path)
    head = _head(path)
    if head.startswith(_ZIP):
        checkpoint = _read_zip(path)
    elif head[8:9] == b"{":
        checkpoint = Checkpoint("safetensors", _read_safetensors(path), {})
    elif head[:1] == b"\x80" or head[257:262] == b"ustar":
        raise UserError(
            f"{path} has the format of PyTorch before 1.6, a bare pickle; read it with torch.load(FILE, "
            "weights_only=True), save it again with torch.save and give that file."
        )
    else:
        raise UserError(f"{path} is no checkpoint: it is neither a zip that PyTorch wrote nor safetensors.")
    if not checkpoint.tensors:
        raise UserError(f"{path} holds no tensors; give the file with the weights.")
    return checkpoint


def is_torchscript(path: Path | str) -> bool:
    """Whether a file is a TorchScript archive, by the names in it; raises UserError when it is missing or damaged."""
    path = Path(path)
    if not _head(path).startswith(_ZIP):
        return False
    with _opened(path) as archive:
        return "constants.pkl" in archive.entries


def _head(path: Path) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read(512)
    except OSError as problem:
        raise UserError(f"{path} cannot be read: {problem.strerror}.") from problem


class _Archive:
    """The zip of one checkpoint, read by names within its folder."""

    def __init__(self, path: Path, opened: zipfile.ZipFile):
        self.path, self.opened, self.bytes = path, opened, path.stat().st_size
        roots = [name.removesuffix("/data.pkl") for name in opened.namelist() if re.fullmatch("[^/]+/data.pkl", name)]
        if len(roots) != 1:
            raise UserError(
                f"{path} is a zip, but no checkpoint of PyTorch: it holds {len(roots)} files FOLDER/data.pkl instead of "
                "one; if it is a bundle of several files, unpack it and give one of them."
            )
        self.entries = {info.filename.removeprefix(f"{roots[0]}/"): info for info in opened.infolist()}
        if "byteorder" in self.entries and self.text("byteorder") != b"little":
            raise UserError(f"{path} was written on a big-endian machine; save it again on a little-endian one.")

    def text(self, name: str) -> bytes:
        """Content of an entry, which is small in every real file."""
        if self.entries[name].file_size > _TEXT_LIMIT:
            raise UserError(f"{self.path} is damaged: its {name} would be {self.entries[name].file_size} bytes long.")
        return self._read(self.entries[name])

    def storage(self, storage: StoredStorage) -> Tensor:
        """All values of a storage, one-dimensional."""
        if not isinstance(storage.dtype, torch.dtype):
            raise UserError(
                f"{self.path} holds tensors of {storage.dtype.stored_class}, which is none of {', '.join(STORAGES)}."
            )
        entry, wanted = self.entries.get(f"data/{storage.key}"), storage.numel * storage.dtype.itemsize
        # PyTorch never compresses data; an uncompressed entry cannot expand.
        if entry is None or not entry.file_size == entry.compress_size == wanted <= self.bytes:
            found = "is missing" if entry is None else f"has {entry.file_size}, {entry.compress_size} as stored"
            raise UserError(f"{self.path} is damaged: its data/{storage.key} needs {wanted} bytes and {found}.")
        if wanted == 0:
            return torch.empty(0, dtype=storage.dtype)
        return torch.frombuffer(bytearray(self._read(entry)), dtype=storage.dtype)

    def _read(self, entry: zipfile.ZipInfo) -> bytes:
        with self.opened.open(entry) as stream:
            # With a length, no more is unpacked, whatever a compressed entry would expand to.
            return stream.read(entry.file_size)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[_Archive]:
    try:
        with zipfile.ZipFile(path) as opened:
            yield _Archive(path, opened)
    except _TRACES_OF_DAMAGE as problem:
        raise UserError(f"{path} is cut off or damaged ({problem}); fetch or copy it again.") from problem


def _read_zip(path: Path) -> Checkpoint:
    with _opened(path) as archive:
        content = _unpickle(archive)
        if "constants.pkl" in archive.entries:
            stored = dict(_walk(content, _script_modules(archive), path))
            return Checkpoint("torchscript", _load(archive, stored), {})
        stored, hyper_parameters = _state_dict(content, path)
        return Checkpoint("state_dict", _load(archive, stored), hyper_parameters)


def _unpickle(archive: _Archive):
    try:
        return read_pickle(archive.text("data.pkl"))
    except ValueError as problem:
        raise UserError(f"{archive.path} is damaged: its data.pkl cannot be read ({problem}).") from problem


def _script_modules(archive: _Archive) -> dict[str, tuple[str, ...]]:
    """Full class name -> names of its parameters and buffers, of every module class in an archive's source texts."""
    names = [name for name in archive.entries if name.startswith("code/") and name.endswith(".py")]
    if sum(archive.entries[name].file_size for name in names) > _TEXT_LIMIT:
        raise UserError(f"{archive.path} is damaged: its source texts would be more than {_TEXT_LIMIT} bytes long.")
    modules = {}
    for name in names:
        place = name.removeprefix("code/").removesuffix(".py").replace("/", ".")
        for match in _SCRIPT_MODULE.finditer(archive.text(name).decode(errors="replace")):
            listed = re.findall(r'"([^"]*)"', f"{match[2]} {match[3] or ''}")
            modules[f"{place}.{match[1]}"] = tuple(listed)
    return modules


def _walk(root, modules: Mapping[str, tuple[str, ...]], path: Path) -> Iterator[tuple[str, object]]:
    """(dotted name, stored tensor) of every parameter and buffer in the tree of modules under `root`."""
    waiting, seen = [("", root)], 0
    while waiting:
        prefix, module = waiting.pop()
        seen += 1
        if seen > _MODULE_LIMIT:
            raise UserError(f"{path} is damaged: its tree of modules has more than {_MODULE_LIMIT} places.")
        names = modules.get(getattr(module, "stored_class", None))
        if names is None or not isinstance(module.state, dict):
            continue
        yield from ((prefix + name, module.state[name]) for name in names if module.state.get(name) is not None)
        children = [(f"{prefix}{name}.", child) for name, child in module.state.items() if isinstance(child, StandIn)]
        waiting += reversed(children)


def _state_dict(content, path: Path) -> tuple[dict, dict]:
    """(stored tensors by name, plain hyper-parameters) of the object that `torch.save` wrote."""
    if not isinstance(content, dict):
        name = getattr(content, "stored_class", type(content).__name__)
        raise UserError(f"{path} holds an object of class {name}, not a dictionary; save its state_dict() instead.")
    state = content.get("state_dict", content)
    if not isinstance(state, dict):
        raise UserError(f"{path} holds a state_dict that is no dictionary but {type(state).__name__}.")
    given = content.get("hyper_parameters")
    given = given if isinstance(given, dict) else {}
    plain = {name: value for name, value in given.items() if isinstance(name, str) and _is_plain(value)}
    return state, plain


def _load(archive: _Archive, stored: Mapping) -> dict[str, Tensor]:
    """Tensors from their descriptions; each storage is read once, and all together are no larger than the file."""
    storages: dict[StoredStorage, Tensor] = {}
    tensors, left = {}, archive.bytes
    for name, one in stored.items():
        if not isinstance(name, str) or type(one) is not StoredTensor:
            kind = getattr(one, "stored_class", type(one).__name__)
            raise UserError(
                f"{archive.path} holds {name!r}, of class {kind}, where only tensors belong; save a state_dict alone."
            )
        if one.storage not in storages:
            storages[one.storage] = archive.storage(one.storage)
            left -= storages[one.storage].nbytes
        if left < 0 or not _is_inside(one, archive.bytes):
            raise UserError(f"{archive.path} is damaged: its tensor {name} is larger than what is stored of it.")
        tensors[name] = storages[one.storage].as_strided(one.size, one.stride, one.offset)
    return tensors


def _is_inside(tensor: StoredTensor, limit: int) -> bool:
    """Whether all values of a tensor are in its storage, none is repeated by a stride of zero, and no size, offset or
    stride is above `limit`."""
    values = math.prod(max(size, 1) for size in tensor.size)
    if max(values, tensor.offset, *tensor.stride) > limit:
        return False
    last = tensor.offset + sum((size - 1) * stride for size, stride in zip(tensor.size, tensor.stride, strict=True))
    return 0 in tensor.size or (last < tensor.storage.numel and values <= tensor.storage.numel)


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(path, framework="pt") as stream:
            return {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 (no mapping)
    except (OSError, SafetensorError) as problem:
        raise UserError(f"{path} cannot be read as safetensors: {problem}") from problem


def _is_plain(value) -> bool:
    return isinstance(value, (bool, int, float, str))
