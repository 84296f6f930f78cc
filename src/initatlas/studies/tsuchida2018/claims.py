"""Claims of Tsuchida, Roosta-Khorasani, Gallagher 2018."""

from initatlas.studies.tsuchida2018 import (
    depth_claims,
    erratum_claims,
    extension_claims,
    integral_claims,
    layer_claims,
    norm_claims,
    trained_claims,
    universality_claims,
)

CLAIMS = {
    **integral_claims.CLAIMS,
    **layer_claims.CLAIMS,
    **universality_claims.CLAIMS,
    **depth_claims.CLAIMS,
    **norm_claims.CLAIMS,
    **extension_claims.CLAIMS,
    **trained_claims.CLAIMS,
    **erratum_claims.CLAIMS,
}
