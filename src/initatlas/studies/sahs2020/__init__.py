"""Sahs et al. 2020: random initialisation and gradient descent of ReLU networks in function space."""

from initatlas.studies.product import Study

_TABLE2 = ("table2", "table2_folding", "table2_choices")
_TABLE3 = ("table3_shallow", "table3_deep")
_FIG1 = ("fig1_gd", "fig1_adam", "fig1_batch_norm", "fig1_segments")

STUDY = Study(
    package=__name__,
    title="Networks in function space",
    citation=(
        "J. Sahs, A. Damaraju, R. Pyle, O. Tavaslioglu, J. Ortega Caro, H. Y. Lu, A. Patel. A Functional Characterization of "
        "Randomly Initialized Gradient Descent in Deep ReLU Networks. Submission to ICLR 2020."
    ),
    link="https://openreview.net/forum?id=BJl9PRVKDS",
    summary=(
        "A ReLU network of one input is a piecewise linear function: each unit bends it at a breakpoint, by a delta-slope. "
        "The paper looks at random initialisation and at training in these terms: where breakpoints lie, how many pieces a "
        "trained network has, and how much of a spiky start is left. All networks here are trained exactly, in function space."
    ),
    says=(
        "A ReLU network of one input is a line that bends at breakpoints: where random weights put them, and how training "
        "moves them, decides what is learned."
    ),
    headline="fig4",
    key_claims=("thm1_gaussian", "table1_rescue", "table2_not_exponential"),
    figures={
        "fig1_left": _FIG1,
        "thm1": ("thm1",),
        "thm2": ("thm2",),
        "remark1": ("remark1",),
        "thm5": ("thm5",),
        "fig2": ("fig2",),
        "fig3": ("fig3",),
        "fig4": ("table3_shallow",),
        "fig5": ("fig5_width", "fig5_variance"),
        "fig6": ("table3_deep",),
        "fig7": ("fig7",),
        "fig8": ("fig5_width",),
        "fig9": ("table4",),
        "regimes": ("regimes",),
        "frames": ("frames",),
    },
    tables={
        "table1": ("table1",),
        "table1_choices": ("table1_choices",),
        "table2": _TABLE2[:2],
        "table2_choices": ("table2_choices",),
        "table3": _TABLE3,
        "table3_choices": ("table3_choices",),
        "table4": ("table4",),
        "thm3_4": ("thm3_4",),
    },
    claims=(
        "table1",
        "table1_choices",
        *_TABLE2,
        *_TABLE3,
        "table3_choices",
        "table4",
        "fig7",
        "regimes",
        "regimes_fresh",
        "thm1",
        "thm2",
        "remark1",
        "thm3_4",
        "thm5",
        *_FIG1,
        "fig2",
        "fig3",
        "fig5_width",
        "fig5_variance",
    ),
)
