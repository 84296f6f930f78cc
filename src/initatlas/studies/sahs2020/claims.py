"""Claims of Sahs et al. 2020."""

from initatlas.studies.sahs2020 import (
    breakpoint_claims,
    critical_claims,
    density_claims,
    fitting_claims,
    flow_claims,
    motion_claims,
    partition_claims,
    piece_claims,
    regime_claims,
    roughness_claims,
    spiky_claims,
    unit_claims,
)

CLAIMS = {
    **unit_claims.CLAIMS,
    **breakpoint_claims.CLAIMS,
    **piece_claims.CLAIMS,
    **spiky_claims.CLAIMS,
    **motion_claims.CLAIMS,
    **roughness_claims.CLAIMS,
    **critical_claims.CLAIMS,
    **density_claims.CLAIMS,
    **partition_claims.CLAIMS,
    **regime_claims.CLAIMS,
    **flow_claims.CLAIMS,
    **fitting_claims.CLAIMS,
}
