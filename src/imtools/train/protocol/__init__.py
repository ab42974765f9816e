"""How to train: settings, what each paper says, schedules, losses, changes of examples."""
