"""What records say of their instruments, in the formats of other programs."""
