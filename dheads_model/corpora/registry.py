"""All datasets, found by the modules in `dheads_model/corpora/datasets/`. For planning; jobs load their own dataset only."""

import pkgutil

from dheads_model.corpora import datasets
from dheads_model.corpora.dataset import Dataset, load_dataset

DATASETS: dict[str, Dataset] = {
    name: load_dataset(name) for name in sorted(found.name for found in pkgutil.iter_modules(datasets.__path__))
}
