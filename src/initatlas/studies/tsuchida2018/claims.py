"""Claims of Tsuchida, Roosta-Khorasani, Gallagher 2018."""

from initatlas.studies.evidence import Evidence
from initatlas.studies.tsuchida2018 import integral_claims, layer_claims, universality_claims
from initatlas.studies.tsuchida2018.erratum_claims import erratum_claims
from initatlas.studies.tsuchida2018.kernel_claims import kernel_claims
from initatlas.studies.tsuchida2018.norm_claims import norm_claims
from initatlas.studies.uncontracted import Measurement

CLAIMS = {**integral_claims.CLAIMS, **layer_claims.CLAIMS, **universality_claims.CLAIMS}


def measure(evidence: Evidence) -> dict[str, Measurement]:
    """Measure the claims without a contract."""
    return {
        **kernel_claims(evidence),
        **norm_claims(evidence),
        **erratum_claims(evidence),
    }
