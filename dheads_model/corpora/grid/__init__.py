"""GRID (Cooke, Barker, Cunningham, Shao 2006): names, layouts, archives and word times."""
