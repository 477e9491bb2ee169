"""Organisations: who they are through renaming, moving and reform, and what every source says.

All tables are functions of the silver rows alone, so that any order of nights gives the same.
"""
