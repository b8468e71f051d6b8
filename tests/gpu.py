"""What tests of a GPU share."""

import pytest
import torch

GPU = torch.device("cuda")
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU is here")
