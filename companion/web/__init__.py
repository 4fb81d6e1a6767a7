"""The HTTP surroundings every page shares: guards, assets, error pages, the installable shell."""
