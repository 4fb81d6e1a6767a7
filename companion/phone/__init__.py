"""What a phone keeps of its person, so that the product works without a network."""
