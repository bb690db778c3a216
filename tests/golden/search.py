#!/usr/bin/python3
"""Known answers for train/search: Sobol points from PyTorch, a Gaussian process from scikit-learn.

usage: /usr/bin/python3 tests/golden/search.py > tests/train/golden_search.h
Needs Debian's python3-torch and python3-sklearn. The test needs neither."""
import numpy as np
import torch
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel


def array(name, values):
    flat = np.asarray(values, dtype=float).ravel()
    body = "".join(("\n    " if i % 4 == 0 else " ") + repr(float(v)) + "," for i, v in enumerate(flat))
    print(f"static const double {name}[] = {{{body}\n}};\n")


print("/* Made by tests/golden/search.py: do not edit. */")
print(f"/* torch {torch.__version__} SobolEngine, points 1..4 and 50001..50004 of 32 dimensions. */")
engine = torch.quasirandom.SobolEngine(32).fast_forward(1)
array("golden_sobol_first", engine.draw(4, dtype=torch.float64).numpy())
engine = torch.quasirandom.SobolEngine(32).fast_forward(50001)
array("golden_sobol_later", engine.draw(4, dtype=torch.float64).numpy())

# The same inputs are made by the test: x from a fixed linear congruence, y a smooth function.
state = 12345
def unit():
    global state
    state = (state * 1103515245 + 12345) % 2**31
    return state / 2**31

x = np.array([[unit() for _ in range(3)] for _ in range(12)])
y = np.sin(5 * x[:, 0]) + x[:, 1] ** 2 - 0.5 * x[:, 2]
at = np.array([[unit() for _ in range(3)] for _ in range(5)])
kernel = ConstantKernel(1.7) * Matern(length_scale=[0.4, 0.9, 1.3], nu=2.5)
gp = GaussianProcessRegressor(kernel, alpha=0.01, optimizer=None).fit(x, y)
mean, sd = gp.predict(at, return_std=True)
white = ConstantKernel(1.7) * Matern(length_scale=[0.4, 0.9, 1.3], nu=2.5) + WhiteKernel(0.01)
full = GaussianProcessRegressor(white, alpha=0.0, optimizer=None).fit(x, y)
value, slope = full.log_marginal_likelihood(full.kernel_.theta, eval_gradient=True)
print("/* scikit-learn GaussianProcessRegressor, Matern nu 2.5. */")
array("golden_gp_mean", mean)
array("golden_gp_variance", sd**2)
# theta of scikit-learn: signal, length x 3, noise; ours: signal, noise, length x 3
array("golden_gp_likelihood", [value, slope[0], slope[4], slope[1], slope[2], slope[3]])
print("/* Matern-5/2 at distance 0.5, 1, 2 with unit length and signal. */")
k = Matern(length_scale=1.0, nu=2.5)
array("golden_matern", [k([[0.0]], [[d]])[0, 0] for d in (0.5, 1.0, 2.0)])
