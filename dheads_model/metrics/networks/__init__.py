"""Networks of other people that metrics look through: architecture here, weights from verified files only.

Only this folder imports torch among the metrics.
"""
