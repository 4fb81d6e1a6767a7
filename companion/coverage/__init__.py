"""Would an alert reach somebody: looked at ahead, and said before it matters."""
