"""The plot stage: records, histories or score files in, one picture out."""
