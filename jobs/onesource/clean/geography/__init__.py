"""Divisions of a city through time: names, validity, successors, and what a raw value means.

Plain Python without Spark, so that the standardiser, the registry builders and the commands
that start no JVM all use the one definition.
"""
