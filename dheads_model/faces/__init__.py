"""Faces: landmarks over time, alignment to the mean face, crops."""
