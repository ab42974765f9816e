"""Predictions over HTTP: an endpoint that scores uploads as `im-predict` scores files, and a web page.

A request passes through the modules in this order: ``guard`` (access), ``app`` (routes), ``service``
(concurrency), ``uploads`` (the body, into an unlinked file), ``decoding`` and ``decoder`` (windows,
in a separate process), ``batcher`` (scores, with those of other requests), ``responses`` (JSON).
"""
