"""The population registry: voices of the departments, identity, survivorship, histories.

`person_source` gathers every source's word and says whose it is; `person` and the histories are
made from it alone. All of it is a pure function of the silver tables, whatever the order in which
their deliveries came.
"""
