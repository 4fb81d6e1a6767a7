"""How quickly cases are looked after, and how useful alerts are."""
