"""Signal processing for the front ends: frames, filters, decimation, products with kernels."""
