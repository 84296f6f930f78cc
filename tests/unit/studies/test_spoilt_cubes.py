"""Every claim can be refuted: its verdict changes with spoilt cubes, and a control that passes takes it away."""

import pytest
import xarray as xr
from claim_cubes import both, changed, claims_of, contracted, copied, judged, modules, sound_evidence, verdict_alone

from initatlas.studies.claim import Published, measured
from initatlas.studies.evidence import Evidence
from initatlas.studies.judge import judge
from initatlas.studies.registry import own_studies
from initatlas.studies.statistics import exact

TRIALS = [pytest.param(module, claim, id=f"{module.STUDY}/{claim}") for module in modules() for claim in module.TRIALS]


def powerless(judgement):
    """Controls that pass, and references that do not hold."""
    passed = [control for control in judgement.controls if control.verdict not in ("fails", "differs")]
    return passed + broken(judgement)


def broken(judgement):
    """References that do not hold. Where a misprint is the truth the right formula cannot be so too."""
    return [reference for reference in judgement.references if reference.verdict != "holds"]


@pytest.mark.parametrize(("module", "claim"), TRIALS)
def test_sound_cubes_give_the_verdict_and_refute_the_controls(module, claim):
    judgement = judged(module.STUDY, claim, sound_evidence(module))
    assert judgement.verdict == module.TRIALS[claim].verdict, judgement
    assert judgement.verdict in ("holds", "differs", "fails")
    assert not powerless(judgement)


@pytest.mark.parametrize(("module", "claim"), TRIALS)
def test_spoilt_cubes_flip_the_verdict(module, claim):
    trial = module.TRIALS[claim]
    spoilt = trial.spoil(sound_evidence(module))
    judgement = judged(module.STUDY, claim, spoilt)
    assert verdict_alone(module.STUDY, claim, spoilt) == trial.becomes, judgement
    assert judgement.verdict == ("undecided" if broken(judgement) else trial.becomes), judgement
    assert trial.becomes in {"holds", "differs", "fails"} - {trial.verdict}


@pytest.mark.parametrize(("module", "claim"), TRIALS)
def test_a_blunt_control_leaves_nothing_decided(module, claim):
    judgement = judged(module.STUDY, claim, module.TRIALS[claim].blunt(sound_evidence(module)))
    assert judgement.verdict == "undecided", judgement
    assert powerless(judgement), judgement


@pytest.mark.parametrize("study", own_studies())
def test_no_claim_lacks_spoilt_cubes(study):
    tried = [claim for module in modules() if study == module.STUDY for claim in module.TRIALS]
    assert sorted(tried) == sorted(claims_of(study))


CONTRACT = Published(
    statement="s",
    where="w",
    test="at_most",
    value=1.0,
    why="y",
    limits="l",
    control={"c": "C."},
    reference={"r": "R."},
)


def cube_and_contract():
    cube = xr.Dataset({"slope": (("kind", "seed"), [[1.0, 2.0], [3.0, 4.0]])}, {"kind": ["a", "b"], "seed": [0, 1]})
    return Evidence({"sweep": cube}, {"one": CONTRACT})


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (changed("sweep", "slope", lambda slope: 2 * slope), [[2.0, 4.0], [6.0, 8.0]]),
        (changed("sweep", "slope", lambda slope: 2 * slope, kind="b"), [[1.0, 2.0], [6.0, 8.0]]),
        (changed("sweep", "slope", lambda slope: 2 * slope, kind=["a", "b"], seed=0), [[2.0, 2.0], [6.0, 4.0]]),
        (copied("sweep", "slope", of={"kind": "a"}, to={"kind": "b"}), [[1.0, 2.0], [1.0, 2.0]]),
        (
            both(changed("sweep", "slope", lambda slope: slope + 1), contracted("one", value=5.0)),
            [[2.0, 3.0], [4.0, 5.0]],
        ),
    ],
)
def test_a_spoil_changes_what_it_names_and_leaves_the_sound_cube(spoil, expected):
    sound = cube_and_contract()
    spoilt = spoil(sound)
    assert spoilt.cubes["sweep"]["slope"].values.tolist() == expected
    assert sound.cubes["sweep"].identical(cube_and_contract().cubes["sweep"])


def test_a_contract_can_be_spoilt():
    sound = cube_and_contract()
    assert contracted("one", value=5.0)(sound).published["one"].value == 5.0
    assert sound.published["one"].value == 1.0


def test_a_spoil_names_a_coordinate_that_is_there():
    with pytest.raises(ValueError, match="kind has no"):
        changed("sweep", "slope", lambda slope: slope, kind="c")(cube_and_contract())


def test_what_passes_or_does_not_hold_is_seen():
    for control, reference, names in [(2.0, 0.0, []), (0.5, 0.0, ["c"]), (2.0, 1.5, ["r"])]:
        finding = measured(exact(0.0), "x", controls={"c": exact(control)}, references={"r": exact(reference)})
        assert [found.name for found in powerless(judge(CONTRACT, finding))] == names
