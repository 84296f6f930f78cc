"""Claims of Daniely, Frostig, Singer 2016, and of a summary of the paper."""

from collections.abc import Mapping

from initatlas.studies.daniely2016 import (
    approximation_claims,
    depth_claims,
    dual_claims,
    replication_claims,
    summary_claims,
)
from initatlas.studies.judge import Measure

CLAIMS: Mapping[str, Measure] = {
    "duals_closed_form": dual_claims.printed,
    "duals_further": dual_claims.further,
    "duals_derivative": dual_claims.derivative,
    "duals_shape": dual_claims.shape,
    "duals_exponential": dual_claims.exponential,
    "replication_rate": replication_claims.rate,
    "replication_limit": replication_claims.limit,
    "replication_bounded": replication_claims.bounded,
    "replication_relu": replication_claims.relu,
    "approximation_rate": approximation_claims.rate,
    "approximation_bound": approximation_claims.bound,
    "approximation_only_if": approximation_claims.only_if,
    "approximation_only_if_rate": approximation_claims.only_if_rate,
    "depth_contains": depth_claims.contains,
    "depth_contains_inputs": depth_claims.contains_inputs,
    "depth_strict_relu": depth_claims.strict_relu,
    "depth_strict_erf": depth_claims.strict_erf,
    "depth_decay": depth_claims.decay,
    "depth_odd": depth_claims.odd,
    "separation": depth_claims.separation,
    "separation_exists": depth_claims.separation_exists,
    "universality_limit": depth_claims.limit,
    "universality_fixed": depth_claims.fixed,
    "erratum_erf": summary_claims.erf,
    "erratum_first_listing": summary_claims.first_listing,
    "erratum_first_listing_returns": summary_claims.returns,
    "erratum_second_listing": summary_claims.second_listing,
    "erratum_normalised": summary_claims.normalised,
    "text_relu": summary_claims.text,
    "summary_scaling": replication_claims.scaling,
    "summary_initialisations": replication_claims.same_kernel,
    "summary_conditioning": summary_claims.conditioning,
    "summary_depth_rate": summary_claims.depth_rate,
}
"""What is measured for each claim, by its name."""
