"""The benchmarks by name, and what each one measures."""

BENCHMARKS = {
    "kernels": """\
NNGP and NTK of a ReLU network between random inputs, on one thread: `gram_matrices`, the matrix product that feeds
them (of two matrices; of a matrix with itself BLAS does half the work, as ours does), the recursion with arccos as one
would write it in NumPy and PyTorch, and neural-tangents, jitted and warm, in an environment of its own
(`make bench-oracle`; left out where that is missing, and at n = 8000 and depth 32, where it asks for 33 GB). Our times
include the products and both kernels. A first call also compiles: the polynomials of a kernel once per process, the
machine code once per machine. All of it takes half an hour.

At n = 8000 a result has 512 MB. On a virtual machine, memory that was free for some seconds may have to be fetched from
the host again: half a second for each result, which falls on whoever asks for new memory.""",
    "kernel_details": """\
Activations, inputs of different norms with biases (layer by layer; the first call, not counted, makes a table of the
dual where it has no closed form), and the parts of a pass over the pairs.

The errors are those of single entries, against the recursion with 50 digits. At small angles the cosine has lost
the digits of the angle; ours take them from the difference of the inputs. Where an entry is tiny beside the diagonal,
as between opposite inputs, a rounding error of the diagonal's size is a large part of it.""",
    "training": """\
Updates per second on one core: `train_networks`, a compiled loop that trains one network after the other; a plain PyTorch
loop that does the same; all of them under `torch.func.vmap`, as it is and compiled by `torch.compile`; the newest
JAX with the networks under `vmap` and the steps under `scan`, compiled, in an environment of its own (`make bench-jax`; left
out where that is missing); and Ray Tune with one trial per network, one at a time, in actors that it uses again (it needs
pyarrow). Ours, the loop and Ray Tune also draw initial weights and minibatches, and ours evaluates at the start and at the
end. First calls, with what they compile, are not counted. The product is one of two matrices of 2000 x 2000 by BLAS.""",
    "gpu": """\
For whoever has a GPU; left out where PyTorch finds none. Training as `device: cuda` and `device: cpu` do it, and a PyTorch loop
on the GPU over the same networks. Kernel matrices of 60000 images, all tiles on and above the diagonal, none kept: the
polynomials of this package evaluated by PyTorch on the GPU, beside those on one core of the CPU for 6000 images, by the pair.
Some five minutes. The kernels of the package itself run on the CPU alone.""",
    "segments": """\
Segmented regression. On little data: lines that need not meet, by dynamic programming here and in ruptures, and by
greedy merging; continuous functions here, by pwlf, which looks for knots between data points too, and by
piecewise-regression. Ours give the fits of all numbers of pieces up to the largest, the others that of the largest
alone. On much data, with 15 lines and noise: all fits with 1 to 15 pieces that need not meet, greedy merging, and all
continuous fits with knots at 60 of the points. Finding the best breaks takes longer where the data fix them less. The
others are left out where they cannot be imported (`pip install ruptures pwlf piecewise-regression`).""",
    "free_knots": """\
Continuous segmented regression with knots anywhere: here, which is exact, and by pwlf, which searches at random and then
locally (`pip install pwlf`; left out where it cannot be imported). Several series of noisy zigzags; a case is all of them.
The table says how far each is above the best that any of them found; knots at data points alone stand beside. Ours give
the fits of all numbers of pieces up to the largest, pwlf that of the largest alone.""",
    "descent": """\
Full-batch gradient descent of univariate ReLU networks on 401 points, one thread: `train_shallow` and `train_deep`, which
work in function space, a plain PyTorch loop over the networks, the networks together under `torch.func.vmap`, and the
newest JAX with the networks under `vmap` and the epochs under `scan`, compiled, in an environment of its own (`make
bench-jax`; left out where that is missing); and Ray Tune with the plain loop of one network as a trial, in one worker that
it uses again. All in float64. Each competitor is timed by as many epochs as take about a second, and counted by the
network-epoch.""",
    "wide": """\
Full-batch gradient descent of a network of one hidden ReLU layer with 20 n units, as in figure 1 of chen2024, one thread,
float32: the fused loop of `initatlas.networks.fused_descent`, a plain PyTorch loop, the same by `torch.func.grad`, and
the newest JAX, compiled, in an environment of its own (`make bench-jax`; left out where that is missing). Times are those
of an epoch. The product is one of two matrices of 2000 x 2000 by BLAS, which tells what the core can do; forward and backward
pass are counted once, although ours computes the pre-activations twice.""",
    "infinite": """\
Networks of infinite width with three hidden layers, fitted and asked for 1000 predictions, on one thread, kernel matrices
included: `NetworkRidgeRegressor`, `NetworkFlowRegressor`, scikit-learn's `KernelRidge` on our kernel, and neural-tangents'
`gradient_descent_mse_ensemble`, whose kernel is jitted and warm, in an environment of its own (`make bench-oracle`; left
out where that is missing).""",
    "weights": """\
`Family.draw` for each family, in the single precision that sweeps use and in double precision, and the textbook
recipe in NumPy with its default generator.""",
    "forward": """\
Cosines of 61 pairs of inputs in the layers of one random ReLU network with 1000 units, by `pair_signals` and by a
plain NumPy loop in double precision with the textbook's samplers; and that loop once more for every recorded depth.
Half of the time is drawing weights.""",
    "engine": """\
The same points, run in a bare loop, by joblib, by the sweep engine (serial and on Ray), by Ray Core with one task
per point, and by Ray Tune with one trial per point. The engine and Ray Tune alone keep their results; the engine
fills an empty point store, each batch synced to disk, and writes the cube. joblib and everything on Ray have two
workers; with two cores to themselves, 0.5× is the best they can reach. A batch of the engine is some seconds of
work, so a sweep shorter than that is one batch and uses one worker; `backend: auto` does not start Ray for it. Ray
is started before; the workers of joblib start in its first call, which is not counted either. Ray Tune needs
pyarrow (`pip install pyarrow`), and is left out where it cannot be imported.

The overhead is what the workers' cores are held for beyond the loop. Other load on the machine counts into it,
above all with two workers; where it is smaller than the scatter of the loop, it can come out negative.""",
    "no_op": """\
A run with nothing to do. For a sweep with every point stored: the plan (points, keys, index of the store), and the
whole run, which plans and writes the cube from the store again; with the memory that they take. For the workflow:
Snakemake's own start on an empty Snakefile, and our workflow when all is done, with an aim of at most 1.5 times
that start.""",
    "scale": """\
A sweep of points that cost nothing, over a hundred seeds and so many values, each step in a process of its own: the
plan from an empty store, the run, and both again where all is stored. Times are those of the processor, without the
waiting for the disk: a run syncs a file for each batch. [scale.md](scale.md) says how it is done, and what ends first
beyond. `SCALE_POINTS=10000000 make bench ONLY=scale` adds ten million points.""",
    "glyphs": """\
How hard the generated digits are for a linear and a kernel classifier. `python benchmarks/glyph_difficulty.py
--mnist FOLDER` puts MNIST beside them.""",
}
