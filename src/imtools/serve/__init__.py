"""Answering over HTTP: an endpoint that hears uploads as `im-predict` hears files, and a page for people.

A request passes through the modules in this order: ``guard`` (who may ask), ``app`` (routes), ``service``
(how many at once), ``uploads`` (the body, into a file without a name), ``decoding`` and ``decoder`` (windows,
from a process of their own), ``batcher`` (scores, with those of other requests), ``answers`` (JSON).
"""
