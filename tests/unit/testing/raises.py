"""A module of somebody's own that can't be imported."""

raise RuntimeError("it raises")
