"""Labels and predictions of records in the formats of other programs."""
