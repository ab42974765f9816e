"""The export stage: models or records in, files for other programs out."""
