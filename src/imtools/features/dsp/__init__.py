"""What the front ends are made of: frames, filters, decimation, products with kernels."""
