"""Claims of Tsuchida, Roosta-Khorasani, Gallagher 2018."""

from initatlas.studies.evidence import Evidence
from initatlas.studies.tsuchida2018.erratum_claims import erratum_claims
from initatlas.studies.tsuchida2018.kernel_claims import kernel_claims
from initatlas.studies.tsuchida2018.norm_claims import norm_claims
from initatlas.studies.tsuchida2018.universality_claims import universality_claims
from initatlas.studies.uncontracted import Measurement


def measure(evidence: Evidence) -> dict[str, Measurement]:
    """Measure all claims of the study."""
    return {
        **kernel_claims(evidence),
        **universality_claims(evidence),
        **norm_claims(evidence),
        **erratum_claims(evidence),
    }
