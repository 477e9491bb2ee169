"""Land and resources: rights, land units, forest, water, each with its county and its holder."""
