"""Kinds of methods (config key methods.NAME.kind) that tables and planning treat in a way of their own."""

GROUND_TRUTH = "ground_truth"
# Real videos, which are not ranked.
REAL = (GROUND_TRUTH, "ground_truth_of_another")
LINEAR_REGRESSION = "linear_regression"
# Methods that make no videos: they have a row in the tables, and no features, strips or place in the gallery.
WITHOUT_VIDEOS = (LINEAR_REGRESSION,)
