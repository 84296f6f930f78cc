"""Claims of sahs2020 where few networks stayed finite, and what they say of other choices."""

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


def test_cells_of_table_2_say_what_other_choices_give_where_they_were_tried():
    """The function with another choice, never as in the table, and the other function as in the table."""
    evidence = sound_evidence(spoilt_sahs2020)
    tried = evidence.cubes["table2_choices"].copy(deep=True)
    for number, place in enumerate(({"target": 0, "choice": 1}, {"target": 1, "choice": 0}), start=1):
        tried["breakpoints"][{"shape": 1, **place}] = 100.0 * number
    spoilt = Evidence({**evidence.cubes, "table2_choices": tried}, evidence.published)
    reasons = {
        name: claims_of("sahs2020")[f"table2_{name}"](spoilt).reason for name in ("sine_4", "sine_5", "arctan_4")
    }
    other = "biases = b, scheme = b, samples = b"
    assert reasons["sine_4"].endswith(f" With other choices: {other}: 500 ± 0; sin(x): 1e+03 ± 0.")
    assert not any("other choices" in reasons[name] for name in ("sine_5", "arctan_4"))
