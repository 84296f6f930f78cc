"""Chen, Li, Lin 2024: what a random, non-zero initial function costs in the NTK theory."""

from initatlas.studies.product import Study

STUDY = Study(
    package=__name__,
    title="Random initialisation in the NTK theory",
    citation=(
        "G. Chen, Y. Li, Q. Lin. On the Impacts of the Random Initialization in the Neural Tangent Kernel Theory. "
        "NeurIPS 2024."
    ),
    link="https://arxiv.org/abs/2410.05626",
    summary=(
        "In the NTK theory a network that starts from a random function learns at a rate that the roughness of this "
        "function limits. The paper sets the smoothness of real data against that: labels expand in the kernel's "
        "eigenfunctions with coefficients whose tail sums fall as a power of the index. The power is the smoothness."
    ),
    says=(
        "A network that starts from a random function learns at a rate that the roughness of this function limits, however "
        "smooth the data are; one that starts from zero does not."
    ),
    headline="fig2_4",
    key_claims=("smoother_than_initial", "fig1_order", "gp_threshold"),
    figures={
        "fig1": ("fig1",),
        "fig1_limit": ("fig1_limit",),
        "fig2_4": ("table1",),
        "sizes": ("sizes", "table1"),
        "known_smoothness": ("known_smoothness",),
        "gp_smoothness": ("gp_smoothness",),
        "uniform_convergence": ("uniform_convergence",),
    },
    tables={
        "table1": ("table1",),
        "without_window": ("table1",),
        "slopes_by_size": ("sizes", "table1"),
        "fig1_limit_slopes": ("fig1_limit",),
    },
    claims=("table1", "sizes", "known_smoothness", "fig1", "fig1_limit", "gp_smoothness", "uniform_convergence"),
)
