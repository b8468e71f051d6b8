"""FID and KID with the preprocessing `clean`, see networks/inception.py."""

from dheads_model.metrics.fid import fid_and_kid

DISTANCE = fid_and_kid("clean", "bicubic with antialiasing of each colour as float (clean-fid's)", place=64)
