"""Treatment sessions, and what falls due around them."""
