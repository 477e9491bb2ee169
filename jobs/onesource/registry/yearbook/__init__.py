"""What is doubtful in county year-book series: pure functions over small series.

`figures` holds the series and their bounds, `by_source` compares with a second source of the same
year, `by_years` with the county's other years and the other counties, `questions` puts both
together. Nothing here corrects a value.
"""
