"""Answering over HTTP: an endpoint that scores uploads as `im-predict` scores files, and a page for people.

A request passes through the modules in this order: ``guard`` (access), ``app`` (routes), ``service``
(how many at once), ``uploads`` (the body, into a file without a name), ``decoding`` and ``decoder`` (windows,
from a process of their own), ``batcher`` (scores, with those of other requests), ``responses`` (JSON).
"""
