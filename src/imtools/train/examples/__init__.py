"""What to train on: rows of features or waveforms, divided into folds, batch by batch."""
