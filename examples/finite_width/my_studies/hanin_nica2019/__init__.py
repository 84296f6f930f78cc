"""Hanin and Nica 2019: what is random in networks whose depth is not small against their width."""

from initatlas.studies.product import Study

STUDY = Study(
    package=__name__,
    title="Depth over width",
    citation=(
        "B. Hanin, M. Nica. Finite Depth and Width Corrections to the Neural Tangent Kernel. ICLR 2020. "
        "B. Hanin, M. Nica. Products of Many Large Random Matrices and Gradients in Deep Neural Networks. CMP 2020."
    ),
    link="https://arxiv.org/abs/1909.05989",
    summary=(
        "A network of infinite width has one NTK. A finite ReLU network has a random one, whose fluctuations grow exponentially "
        "with beta, the sum of the inverse widths: depth over width. The papers prove the rate; here are the constants as well, "
        "from an exact recursion that is derived in this study, beside networks whose NTK is computed exactly."
    ),
    figures={"growth": ("moments", "deep"), "log_norms": ("deep",)},
    tables={"second_moments": ("moments",)},
    claims=("moments", "deep", "linear"),
)
