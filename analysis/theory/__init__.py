"""What should happen: predictions from formulas and from features, beside which measurements are put.

transfer_loss            target loss of an infinitely wide linear network, in closed form
trained_moments          its moment equations, integrated
jointly_rich             a second stage in which features go on changing, and what the source loses by it
expected_error           kernel regression against the number of samples, from a spectrum
readout_curve            a linear readout under gradient descent, over epochs
kernel_target_alignment  whether a kernel's large directions are those of the labels

The module `particles` has nonlinear networks of infinite width, `kernel_regression` a readout trained to its end.
NumPy and SciPy alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.contents import lazy

if TYPE_CHECKING:
    from analysis.theory.alignment import kernel_target_alignment as kernel_target_alignment
    from analysis.theory.gradient_filter import readout_curve as readout_curve
    from analysis.theory.learning_curve import expected_error as expected_error
    from analysis.theory.linear_transfer import transfer_loss as transfer_loss
    from analysis.theory.moment_dynamics import trained_moments as trained_moments
    from analysis.theory.second_stage import jointly_rich as jointly_rich

OFFERED = {
    "expected_error": "learning_curve",
    "jointly_rich": "second_stage",
    "kernel_target_alignment": "alignment",
    "readout_curve": "gradient_filter",
    "trained_moments": "moment_dynamics",
    "transfer_loss": "linear_transfer",
}
__getattr__ = lazy(__name__, OFFERED)
