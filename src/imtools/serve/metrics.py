"""The counters of the server, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """The counters of one server.

    Attributes
    ----------
    requests : Counter
        Requests for predictions by status.
    seconds : Histogram
        From the first byte of a request to the answer.
    audio : Counter
        Seconds of audio that were scored.
    batches : Histogram
        Windows that were computed together.
    busy, uploading : Gauge
        Requests that are received or answered, and those that are received.
    lost : Gauge
        Decoder processes that crashed.
    """

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self.requests = Counter(
            "imtools_requests", "Requests for predictions.", ["status"], registry=registry
        )
        self.seconds = Histogram(
            "imtools_request_seconds",
            "From the first byte of a request to the answer.",
            buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
            registry=registry,
        )
        self.audio = Counter("imtools_audio_seconds", "Seconds of audio that were scored.", registry=registry)
        self.batches = Histogram(
            "imtools_batch_windows",
            "Windows that were computed together.",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
            registry=registry,
        )
        self.busy = Gauge(
            "imtools_requests_busy", "Requests that are received or answered.", registry=registry
        )
        self.uploading = Gauge("imtools_uploads_busy", "Uploads that are received.", registry=registry)
        self.lost = Gauge("imtools_decoders_lost", "Decoder processes that broke down.", registry=registry)

    def text(self) -> bytes:
        """Return all of them in Prometheus' text format."""
        return generate_latest(self._registry)
