"""From the numbers of persons to their id tokens."""
