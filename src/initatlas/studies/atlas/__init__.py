"""The atlas's own chapter: which initialisations can be trained."""

from initatlas.studies.product import Study

STUDY = Study(
    package=__name__,
    title="Trainability",
    citation="",
    link="",
    summary=(
        "Networks are trained from random weights over depth, width, weight variance and weight distribution. Mean-field "
        "theory says how deep a signal travels: deep networks should learn only near the norm-preserving variance, and "
        "the distribution of the weights should not matter beyond its variance."
    ),
    says=(
        "By mean-field theory deep networks learn only near the weight variance that preserves norms, as deep as a signal "
        "travels, whatever else distinguishes the distribution of the weights."
    ),
    headline="boundary",
    key_claims=("norm_preserving_variance", "border_in_depth_scales", "boundary_dimension"),
    figures={
        "invariance": ("invariance",),
        "boundary": ("boundary", "boundary_near", "boundary_close"),
        "learning_rate": (
            "learning_rate",
            "learning_rate_ntk",
            "learning_rate_cross_entropy",
            "learning_rate_depth",
            "coordinate_check",
        ),
        "kernel_limit": ("coordinate_check",),
        "init_to_smoothness": ("init_to_smoothness",),
        "trainability_tanh": ("trainability_tanh", "edge_of_chaos"),
        "trainability": ("trainability", "depth_scale"),
        "trainability_digits": ("trainability_digits", "depth_scale"),
    },
    tables={"best_variances": ("trainability", "trainability_digits", "depth_scale")},
    claims=(
        "trainability",
        "depth_scale",
        "invariance",
        "boundary_networks",
        "boundary",
        "boundary_near",
        "boundary_close",
        "learning_rate",
        "learning_rate_ntk",
        "learning_rate_cross_entropy",
        "learning_rate_depth",
        "coordinate_check",
        "init_to_smoothness",
        "trainability_tanh",
        "edge_of_chaos",
    ),
)
