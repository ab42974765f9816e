"""Training itself: nets that learn, epoch by epoch, in one process or several."""
