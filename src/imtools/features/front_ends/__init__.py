"""The front ends, one module for each kind; see `imtools.features.front_end`, which builds them."""
