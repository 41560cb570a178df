"""Layers adapted in closed form (layer variational analysis, Tseng et al. 2023, arXiv:2302.01798).

solve         least squares: the smallest change (pseudoinverse), and ridge with leave-one-out penalty
head_layer    a linear or convolutional head as a least-squares problem
conditions    how far the target samples lie from their source samples, in the first-order expansion
adapt         one head adapted, and what is recorded of it
last_two      the last two layers of a perceptron
rows          the rows of the table METHODS: `lva_exact`, `lva_ridge`, `lva_perturb`, `unadapted`
"""
