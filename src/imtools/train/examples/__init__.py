"""What to train on: rows of features or sounds, divided into folds, batch by batch."""
