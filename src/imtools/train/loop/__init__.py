"""The training loop: nets trained epoch by epoch, in one process or several."""
