"""`initatlas claims` and `initatlas reproduce`."""

import argparse
from pathlib import Path

from initatlas.parsers import completion
from initatlas.parsers.arguments import add_json, add_scale, overrides_of, place
from initatlas.parsers.workflow import add_run, run_targets


def add_claim_commands(parser: argparse.ArgumentParser) -> None:
    """``initatlas claims list | show | diff | expect``."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    listed = commands.add_parser("list", help="claims with their verdicts")
    targets = listed.add_argument("targets", nargs="*", metavar="TARGET", help="a study, or <study>/<claim>; none: all")
    completion.completed(targets, completion.studies_and_claims)
    add_json(listed, "the layout of the ledger's file")
    listed.set_defaults(command=_claims_list, in_atlas=True)
    shown = commands.add_parser("show", help="all that the ledger has of a claim")
    completion.completed(shown.add_argument("claim", help="<study>/<claim>"), completion.claims)
    add_json(shown, "the layout of the ledger's file")
    shown.set_defaults(command=_claims_show, in_atlas=True)
    for reading in (listed, shown):
        add_scale(reading)
    compared = commands.add_parser("diff", help="claims whose verdict is another one; then the exit code is 1")
    compared.add_argument("old", type=Path, help="a ledger, such as reports/quick/claims.json")
    compared.add_argument("new", type=Path)
    compared.add_argument(
        "--numbers",
        action="store_true",
        help="also numbers that have moved by more than another machine would move them",
    )
    add_json(compared, "a list of claims with both verdicts")
    compared.set_defaults(command=_claims_diff)
    expected = commands.add_parser("expect", help="write down what the ledger has, for `claims diff` to compare with")
    expected.add_argument("output", nargs="?", type=place, metavar="OUT", help="none: tests/expected/<scale>.json")
    add_scale(expected)
    expected.set_defaults(command=_claims_expect, in_atlas=True)


def add_reproduce(parser: argparse.ArgumentParser) -> None:
    """``initatlas reproduce``."""
    completion.completed(parser.add_argument("claim", help="<study>/<claim>"), completion.claims)
    parser.add_argument(
        "--from",
        dest="archive",
        type=place,
        metavar="ARCHIVE",
        help="compute it again from the config of an archive, and compare; exit code 1 unless every bit is the same",
    )
    add_run(parser)
    parser.set_defaults(command=_reproduce)


def _claims_list(options: argparse.Namespace) -> None:
    from initatlas.commands.claims import listing

    print(listing(options.targets, overrides_of(options), as_json=options.json))


def _claims_show(options: argparse.Namespace) -> None:
    from initatlas.commands.claims import show

    print(show(options.claim, overrides_of(options), as_json=options.json))


def _claims_diff(options: argparse.Namespace) -> int:
    from initatlas.commands.claims import difference

    text, changed = difference(options.old, options.new, numbers=options.numbers, as_json=options.json)
    print(text)
    return int(changed)


def _claims_expect(options: argparse.Namespace) -> None:
    from initatlas.commands.claims import expect

    print(expect(overrides_of(options), options.output))


def _reproduce(options: argparse.Namespace) -> int:
    from initatlas.commands.claims import reproduce, whole_claim

    if options.archive is not None:
        return _reproduce_archived(options)
    claim = reproduce(options.claim, overrides_of(options), make=lambda title: run_targets(options, [title]))
    print(whole_claim(claim))
    return int(claim.judged.verdict not in ("holds", "not measured"))


def _reproduce_archived(options: argparse.Namespace) -> int:
    """From the config of an archive, in a folder of its own."""
    from initatlas.commands.reproduction import Reproduction

    with Reproduction(options.archive, overrides_of(options), snakefile=options.snakefile) as reproduction:
        given = argparse.Namespace(**{**vars(options), **reproduction.options})
        text, equal = reproduction.run(
            options.claim, overrides_of(given), make=lambda title: run_targets(given, [title])
        )
    print(text)
    return int(not equal)
