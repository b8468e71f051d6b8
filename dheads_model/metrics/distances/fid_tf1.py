"""FID and KID with the preprocessing `tf1`, see networks/inception.py."""

from dheads_model.metrics.fid import fid_and_kid

DISTANCE = fid_and_kid("tf1", "bilinear as TensorFlow 1 (torch-fidelity's and TTUR's)", place=63)
