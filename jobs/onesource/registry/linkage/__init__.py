"""The linker: which rows of two tables, or of one, are the same person, organisation or thing.

A spec (`spec`) says what is compared. Rows become columns of one table in DuckDB (`prepare`),
blocking finds the pairs worth a look (`blocking`), declared rules decide what they can (`rules`),
a Fellegi-Sunter model in splink scores the rest (`levels`, `training`, `score`), and what is a
link, what a candidate is decided in one place (`decide`). `link` puts them together; `persons`
is the same for rows without a sound number against the population registry.
"""
