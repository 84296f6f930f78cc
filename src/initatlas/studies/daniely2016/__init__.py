"""Daniely, Frostig, Singer 2016: the kernel behind a random initialisation, and what depth does to it."""

from initatlas.studies.product import Study

STUDY = Study(
    package=__name__,
    title="The kernel behind the initialisation",
    citation=(
        "A. Daniely, R. Frostig, Y. Singer. Toward Deeper Understanding of Neural Networks: The Power of Initialization and "
        "a Dual View on Expressivity. NeurIPS 2016."
    ),
    link="https://arxiv.org/abs/1602.05897",
    summary=(
        "A random network stands for a kernel: the composition of the duals of its activations. The layers of a finite "
        "network approach it, and its last layer alone can learn what the kernel can. The theorems are checked here as we "
        "recall them from the paper, beside what a circulating summary of it states on depth, universality and separation."
    ),
    says=(
        "A random network stands for a kernel, the composition of the duals of its activations; wide networks approach it, "
        "and their last layer alone can learn what it can."
    ),
    headline="replication",
    key_claims=("replication_limit", "approximation_bound", "separation_exists"),
    figures={
        "duals": ("duals",),
        "replication": ("replication",),
        "approximation": ("approximation", "worst_target", "neuron"),
        "depth_spectrum": ("depth_spectrum",),
        "separation": ("separation",),
        "universality": ("universality",),
    },
    tables={"dual_errors": ("duals",), "decay_exponents": ("depth_spectrum",), "errata": ("errata",)},
    claims=(
        "duals",
        "replication",
        "bounded",
        "initialisations",
        "approximation",
        "worst_target",
        "neuron",
        "depth_spectrum",
        "tangent_spectrum",
        "separation",
        "universality",
        "two_points",
        "errata",
    ),
)
