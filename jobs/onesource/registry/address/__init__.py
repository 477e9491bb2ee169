"""Standard addresses: every way an address is written, and the one address that it means."""
