"""Claims that the atlas checks on its own sweeps."""

from initatlas.studies.atlas import (
    boundary_claims,
    chaos_claims,
    invariance_claims,
    learning_rate_claims,
    smoothness_claims,
    trainability_claims,
)

CLAIMS = {
    **trainability_claims.CLAIMS,
    **invariance_claims.CLAIMS,
    **boundary_claims.CLAIMS,
    **learning_rate_claims.CLAIMS,
    **smoothness_claims.CLAIMS,
    **chaos_claims.CLAIMS,
}
