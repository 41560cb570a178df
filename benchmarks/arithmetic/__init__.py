"""What the arithmetic of an edition brings: by step and evaluation (`kernels`), and by whole sweep (`editions`)."""
