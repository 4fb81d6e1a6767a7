"""The nurse's pages."""
