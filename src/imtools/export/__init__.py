"""Files for other programs: trained models (`model`), labels and predictions of records (`records`)."""
