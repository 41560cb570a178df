"""How the numbers of a page are to be read."""

from __future__ import annotations

from analysis.tables.curves import INTERPOLATES_AT

READING = (
    "Errors are shares of wrongly classified samples in per cent; test labels are clean, train error is on the labels "
    "as given, label noise included. The result of a run is its last epoch, never its best one.",
    "Epoch-wise double descent: the test error falls, rises and falls again along the epochs. Weak: it recovers from "
    "the peak. Strong: it also ends below the first minimum. Freezing-wise: the same shape of the final test error "
    "along the number of frozen units, read from head only to nothing frozen, the direction in which the trained part "
    "grows; along widths and set sizes from small to large. With more samples a network is less overparameterised, so "
    "that along set sizes weak and strong are not said, but which of the two minima is lower. U-shaped, unfinished: "
    "the error rose and the training ended before the shape was decided.",
    "The claims are those of Dar, Luzi and Baraniuk, Frozen Overparameterization (arXiv:2211.11074). Each says that "
    "something can happen: it is supported where at least one group of cells shows it, contradicted where none does "
    "and one shows the opposite, undecided otherwise. The tests of one claim are adjusted together "
    "(Benjamini-Hochberg, q at most 0.05).",
    "Prominence is the smaller of the rise from the first minimum and the fall to the second. p is the probability "
    "that a curve with no second descent shows so prominent a peak in the mean of as many seeds. A call is significant "
    "up to p = 0.05 on epochs; along short axes, where neighbours may be correlated, up to 0.01 over seeds and 0.035 "
    "for one run. Among several verdicts the adjusted q must also be at most 0.05. `<=` stands before the smallest p "
    "that a test's number of draws can give. Seeds agree whose own verdict is that of all together.",
    f"A run interpolates where its final train error is at most {100 * INTERPOLATES_AT:g} %: test-error peaks are seen "
    "at train errors of 6 to 8 %, not at 0, and small networks at a constant step size end anywhere from 0 to 4 %.",
    "Brackets and bands are 95 % intervals of the mean over seeds (Student's t). They say where the mean of all seeds "
    "that could have been drawn lies, on these test images, which all runs share. The table of cells has wider ones "
    "for new test images too (final_test_error_images_low and _high).",
)
