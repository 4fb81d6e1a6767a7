"""What patients report: taken in, assessed, kept, shown."""
