"""A synthetic city's deliveries, with the truth beside them.

Everything is drawn from the seed alone: the same call writes the same bytes on every machine.
This room imports only the contracts, so that what it writes is judged by code that it does not
know. All organisations, numbers and figures are made up.
"""
