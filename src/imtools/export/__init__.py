"""For other programs: trained models (`model`), and what records say (`records`)."""
