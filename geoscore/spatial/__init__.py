"""Space: cells, and how figures of areas become figures of cells."""
