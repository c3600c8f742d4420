"""The page Reports: reading what is written, the archive with what became of deliveries, and building a report."""
