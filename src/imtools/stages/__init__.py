"""The stages of the pipeline as the commands run them: each joins a library package to the harness.

The packages that do the work (``segment``, ``mix``, ``features``, ``train``, ``predict``) know nothing of
runs, journals or output directories; this is where they meet.
"""
