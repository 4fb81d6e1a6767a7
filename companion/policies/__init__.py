"""Who is told of an unusual reaction, in which order and by which way: the ladder of each level."""
