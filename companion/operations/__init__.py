"""Is it alive: beats, health, checks for the operator."""
