"""FID and KID with the preprocessing `pytorch_fid`, see networks/inception.py."""

from dheads_model.metrics.fid import fid_and_kid

DISTANCE = fid_and_kid("pytorch_fid", "bilinear of x / 255 (pytorch-fid's)", place=62)
