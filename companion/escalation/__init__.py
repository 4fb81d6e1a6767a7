"""Cases: unusual reactions under care, and who is told when."""
