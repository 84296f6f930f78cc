"""Claims of sahs2020 where few networks stayed finite."""

import numpy as np
import spoilt_sahs2020
from claim_cubes import claims_of, sound_evidence

from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import judge


def test_five_networks_leave_it_open_whether_deep_ones_vary_more():
    evidence = sound_evidence(spoilt_sahs2020)
    few = evidence.cubes["table2"].isel(seed=slice(6)).copy()
    lost = few["breakpoints"].where((few.seed != 0) | (few.target != "exp"))
    spoilt = Evidence({**evidence.cubes, "table2": few.assign(breakpoints=lost)}, evidence.published)
    finding = claims_of("sahs2020")["table2_variability"](spoilt)
    assert judge(evidence.published["table2_variability"], finding).verdict == "undecided"
    (control,) = finding.controls["halves"].values()
    assert (control.low, control.high, control.samples) == (-np.inf, np.inf, 4)
