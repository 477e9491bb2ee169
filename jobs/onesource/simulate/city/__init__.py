"""The people of a synthetic city, and the files in which twelve registers speak of them.

A chunk is a part of a county's people. Each has random streams of its own, made from the seed,
the chunk and a purpose, so that neither the number of processes nor their order changes a byte,
and no process ever holds more than a chunk.
"""
