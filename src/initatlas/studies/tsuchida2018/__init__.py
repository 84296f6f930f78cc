"""Tsuchida, Roosta-Khorasani, Gallagher 2018: the kernel of a rectifier network does not see the weight distribution."""

from initatlas.studies.product import Study

STUDY = Study(
    package=__name__,
    title="Invariance of weight distributions",
    citation=(
        "R. Tsuchida, F. Roosta-Khorasani, M. Gallagher. Invariance of Weight Distributions in Rectified MLPs. ICML 2018."
    ),
    link="https://arxiv.org/abs/1711.09090",
    summary=(
        "A wide layer of rectifiers turns the angle between two inputs into another angle. The paper shows that the map "
        "is the same for every rotation-invariant weight distribution, and in high dimension for nearly every one with "
        "independent weights. With depth, all inputs come to look alike."
    ),
    says=(
        "The kernel of a wide layer of rectifiers does not depend on the distribution of its weights, and with depth all "
        "inputs come to look alike."
    ),
    headline="fig4a",
    key_claims=("fig4a_deep", "cor8_rate", "cor10_gaussian"),
    figures={
        "fig2": ("fig2", "theory"),
        "fig3": ("weight_integral",),
        "fig4a": ("fig4", "theory"),
        "fig4b": ("fig4", "theory"),
        "fig4c": ("fig4", "theory"),
        "fig4d": ("fig4", "theory"),
        "fig5": ("fig5",),
        "fig6": ("fig6",),
        "cor3_4": ("cor3_4", "theory"),
        "thm6": ("thm6", "thm6_law", "thm6_sparse", "theory"),
        "cor8": ("theory", "fig4"),
        "cor9": ("cor9", "theory"),
        "cor10": ("cor10",),
        "extensions": ("extensions", "extensions_limit", "theory"),
    },
    tables={
        "deviations": ("fig4", "theory"),
        "errata": ("cor9", "weight_integral", "thm6"),
    },
    claims=(
        "fig2",
        "fig4",
        "fig4_flat",
        "theory",
        "weight_integral",
        "fig5_growth",
        "fig6",
        "cor3_4",
        "thm6",
        "thm6_law",
        "thm6_sparse",
        "cor9",
        "cor10",
        "cor10_off",
        "extensions",
        "extensions_limit",
        "extensions_off",
        "extension_width",
        "fixed_points",
        "extreme_learning",
        "trained_weights",
    ),
)
