"""Where a peak is on a noisy curve: models of its top, fitted by least squares."""
