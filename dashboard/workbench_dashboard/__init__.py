"""The dashboard: reads what runs have recorded, and never trains."""
