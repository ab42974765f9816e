"""Tools that tell which musical instruments sound in a piece of polyphonic music."""

__version__ = "0.1.0"
