"""`make bench`: figures, each a median of five, with the machine named. Nothing here is asserted by a test."""
