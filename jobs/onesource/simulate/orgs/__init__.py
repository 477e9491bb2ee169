"""Organisations and land of the synthetic city: who is registered, what happens to them, and what
the departments deliver of it. A county is simulated by one process, from its own stream."""
