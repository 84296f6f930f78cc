"""The ledger on a terminal."""

import json
from dataclasses import replace

import pytest

from initatlas.cli import main
from initatlas.commands.claims import reproduce
from initatlas.errors import UserError
from initatlas.report.ledger import claims_from_json, claims_to_json
from initatlas.studies.claim import Claim, Cost, Estimate, Judged, Judgement, Published

PUBLISHED = Published(
    statement="Slopes are flat.",
    where="figure 3",
    test="equals",
    value=0.4,
    spread=0.02,
    margin=0.05,
    why="Twice the printed error.",
    limits="One data set.",
    control={"steep": "Another slope."},
)
STEEP = Judged("steep", "Another slope.", Estimate(0.9, 0.8, 1.0), "fails")


def claim(name, verdict="holds", value=0.41, study="own2020"):
    judged = Judgement(
        verdict, "Because of the slope.", Estimate(value, value - 0.01, value + 0.01), "left", 2, (STEEP,)
    )
    return Claim(study, name, PUBLISHED, judged, Cost(("trial",), 90.0))


@pytest.fixture
def atlas(tmp_path, monkeypatch):
    """An atlas with ledgers at two scales."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").write_text("scale: quick\n")
    (tmp_path / "Snakefile").write_text("")
    monkeypatch.chdir(tmp_path)
    unmeasured = Claim("own2020", "absent", PUBLISHED, Judgement("not measured", "No data."))
    claims = [claim("flat"), claim("steeper", "fails", 0.7), unmeasured, claim("other", study="third2021")]
    for scale, group in (("quick", claims), ("smoke", claims[:1])):
        (tmp_path / f"reports/{scale}").mkdir(parents=True)
        (tmp_path / f"reports/{scale}/claims.json").write_text(claims_to_json(group))
    return tmp_path


def said(capsys, *words):
    """Exit code, and the lines on both streams."""
    code = main(list(words))
    streams = capsys.readouterr()
    return code, (streams.out + streams.err).splitlines()


def test_claims_are_listed_with_their_verdicts(atlas, capsys):
    code, lines = said(capsys, "claims", "list")
    assert code == 0
    assert lines[0].split() == ["claim", "verdict", "published", "measured"]
    assert lines[1].split(maxsplit=2) == ["own2020/flat", "holds", "0.4 ± 0.02  0.410 (0.400 to 0.420)"]
    assert lines[3].split() == ["own2020/absent", "not", "measured", "0.4", "±", "0.02"]
    assert lines[-1] == "reports/quick/claims.json: 2 holds, 1 fails, 1 not measured"


@pytest.mark.parametrize(
    ("targets", "titles"),
    [
        (["third2021"], ["third2021/other"]),
        (["own2020/steeper", "third2021"], ["own2020/steeper", "third2021/other"]),
        (["own2020"], ["own2020/flat", "own2020/steeper", "own2020/absent"]),
    ],
)
def test_targets_choose_claims_in_the_order_of_the_ledger(atlas, capsys, targets, titles):
    _, lines = said(capsys, "claims", "list", *targets)
    assert [line.split()[0] for line in lines[1:-1]] == titles


def test_a_list_for_a_script_is_a_ledger(atlas, capsys):
    _, lines = said(capsys, "claims", "list", "third2021", "--json")
    assert claims_from_json("\n".join(lines), "here") == [claim("other", study="third2021")]


def test_a_claim_is_shown_whole(atlas, capsys):
    code, lines = said(capsys, "claims", "show", "own2020/flat")
    text = " ".join(" ".join(lines).split())
    assert code == 0
    for part in (
        "own2020/flat Slopes are flat.",
        "where figure 3",
        "published 0.4 ± 0.02",
        "measured 0.410 (0.400 to 0.420), of left (the part of 2 that decided)",
        "verdict holds",
        "why Because of the slope.",
        "Twice the printed error.",
        "control steep: Another slope. 0.90 (0.80 to 1.00): fails",
        "limits One data set.",
        "reads trial",
        "cost 1 min 30 s on one core",
    ):
        assert part in text
    assert max(map(len, lines)) <= 100
    _, lines = said(capsys, "claims", "show", "own2020/flat", "--json")
    assert claims_from_json("\n".join(lines), "here") == [claim("flat")]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ["list", "own2021"],
            "reports/quick/claims.json has no study and no claim 'own2021' (did you mean 'own2020'?)",
        ),
        (["show", "own2020/flatt"], "has no study and no claim 'own2020/flatt' (did you mean 'own2020/flat'?)"),
        (["show", "own2020"], "'own2020' is no claim: give it as <study>/<claim>"),
        (
            ["list", "--scale", "paper"],
            (
                "reports/paper/claims.json: No such file or directory; `initatlas run` makes the ledger of a scale; "
                "there is one of scale quick and one of smoke: --scale quick"
            ),
        ),
        (["diff", "config/config.yaml", "reports/quick/claims.json"], "config/config.yaml: no claim ledger"),
    ],
)
def test_a_mistake_is_one_line(atlas, capsys, words, line):
    code, lines = said(capsys, "claims", *words)
    assert code == 2
    assert len(lines) == 1
    assert line in lines[0]


def test_ledgers_that_agree_differ_in_nothing(atlas, capsys):
    ledger = "reports/quick/claims.json"
    assert said(capsys, "claims", "diff", ledger, ledger) == (0, ["the verdicts of all 4 claims are the same"])
    assert said(capsys, "claims", "diff", ledger, ledger, "--json") == (0, ["[]"])


def test_other_numbers_with_the_same_verdict_are_no_difference(atlas, capsys):
    (atlas / "new.json").write_text(claims_to_json([claim("flat", value=0.42)]))
    assert said(capsys, "claims", "diff", "reports/smoke/claims.json", "new.json")[0] == 0


def test_a_verdict_that_changed_and_claims_that_came_and_went_are_told(atlas, capsys):
    new = [
        claim("flat", "differs", 0.47),
        replace(claim("steeper", "fails"), name="fresh"),
        claim("steeper", "fails", 0.7),
    ]
    (atlas / "new.json").write_text(claims_to_json(new))
    code, lines = said(capsys, "claims", "diff", "reports/quick/claims.json", "new.json")
    assert code == 1
    assert [line.split() for line in lines] == [
        [
            "own2020/flat",
            "holds",
            "->",
            "differs",
            "0.410",
            "(0.400",
            "to",
            "0.420)",
            "->",
            "0.470",
            "(0.460",
            "to",
            "0.480)",
        ],
        ["own2020/fresh", "(none)", "->", "fails"],
        ["own2020/absent", "not", "measured", "->", "(none)"],
        ["third2021/other", "holds", "->", "(none)"],
    ]
    code, lines = said(capsys, "claims", "diff", "reports/quick/claims.json", "new.json", "--json")
    assert code == 1
    assert json.loads("\n".join(lines))[:2] == [
        {"claim": "own2020/flat", "old": "holds", "new": "differs"},
        {"claim": "own2020/fresh", "old": None, "new": "fails"},
    ]


def test_a_claim_that_is_reproduced_sees_all_that_was_printed(root, monkeypatch):
    """Some measure themselves against the numbers of others."""
    monkeypatch.chdir(root)
    seen = {}
    monkeypatch.setattr(
        "initatlas.commands.claims.judge_claim", lambda *given: seen.update(study=given[0], evidence=given[3])
    )
    reproduce("chen2024/table1_window", {"scale": "smoke"}, make=lambda title: 1)
    assert seen["study"] == "chen2024"
    assert {"table1_window", "table1_mnist"} <= {*seen["evidence"].published}


def test_what_is_expected_is_the_ledger_in_short(atlas, capsys):
    code, lines = said(capsys, "claims", "expect")
    assert (code, lines) == (0, ["tests/expected/quick.json"])
    written = json.loads((atlas / "tests/expected/quick.json").read_text())
    assert written["scale"] == "quick"
    assert written["claims"]["own2020/flat"] == {"verdict": "holds", "measured": [0.41, 0.4, 0.42]}
    assert written["claims"]["own2020/absent"] == {"verdict": "not measured", "measured": None}
    files = ("tests/expected/quick.json", "reports/quick/claims.json")
    code, lines = said(capsys, "claims", "diff", "--numbers", *files)
    assert (code, lines) == (0, ["the verdicts and numbers of all 4 claims are the same"])
    code, lines = said(capsys, "claims", "diff", *reversed(files))
    assert (code, lines) == (0, ["the verdicts of all 4 claims are the same"])
    code, lines = said(capsys, "claims", "expect", "mine.json", "--scale", "smoke")
    assert list(json.loads((atlas / "mine.json").read_text())["claims"]) == ["own2020/flat"]


def test_a_number_that_moved_counts_where_it_is_asked_for(atlas, capsys):
    moved = [claim("flat", value=0.4111), claim("other", study="third2021")]
    (atlas / "new.json").write_text(claims_to_json(moved))
    said(capsys, "claims", "expect", "old.json")
    code, lines = said(capsys, "claims", "diff", "--numbers", "old.json", "new.json")
    assert code == 1
    assert lines[0].split(maxsplit=4) == [
        "own2020/flat",
        "holds",
        "->",
        "holds",
        "0.410 (0.400 to 0.420) -> 0.411 (0.401 to 0.421)",
    ]
    assert [line.split()[0] for line in lines[1:]] == ["own2020/absent", "own2020/steeper"]
    code, lines = said(capsys, "claims", "diff", "--numbers", "old.json", "new.json", "--json")
    assert json.loads("\n".join(lines))[0] == {"claim": "own2020/flat", "old": "holds", "new": "holds"}
    assert said(capsys, "claims", "diff", "old.json", "new.json")[1][0].startswith("own2020/absent")


def test_a_sweep_that_fails_is_told_and_no_other_is_made(root, monkeypatch):
    monkeypatch.chdir(root)
    asked = []
    with pytest.raises(UserError, match=r"^sweep daniely2016/depth_spectrum, which the claim reads, has failed"):
        reproduce("daniely2016/depth_odd", {"scale": "smoke"}, make=lambda title: asked.append(title) or 1)
    assert asked == ["daniely2016/depth_spectrum"]
