"""The validator of RO-Crates, without a network."""

import json
from importlib.resources import files

import rocrate_validator.utils.http
from rocrate_validator import models, services

# The library `rocrate` has the context of RO-Crate 1.3; these terms are what they were in 1.1.
TERMS_OF_1_1 = {
    "ComputationalWorkflow": "https://bioschemas.org/ComputationalWorkflow",
    "FormalParameter": "https://bioschemas.org/FormalParameter",
    "input": "https://bioschemas.org/ComputationalWorkflow#input",
    "output": "https://bioschemas.org/ComputationalWorkflow#output",
}


class _Context:
    """What a server would answer who is asked for the context."""

    status_code = 200
    headers = {"Content-Type": "application/ld+json"}  # noqa: RUF012

    def __init__(self):
        shipped = json.loads((files("rocrate") / "data/ro-crate.jsonld").read_text(encoding="utf-8"))
        terms = {key: value for key, value in shipped["@context"].items() if key != "sha256"}
        self._content = {"@context": {**terms, **TERMS_OF_1_1}}

    @property
    def text(self):
        return json.dumps(self._content)

    @property
    def content(self):
        return self.text.encode()

    def json(self):
        return self._content


def findings(crate, profile, monkeypatch):
    """What the validator finds in a crate: pairs of severity and message."""

    def get(self, url, *arguments, **keywords):
        assert url == "https://w3id.org/ro/crate/1.1/context", f"{url} is not there without a network"
        return _Context()

    monkeypatch.setattr(rocrate_validator.utils.http.HttpRequester, "get", get, raising=False)
    settings = services.ValidationSettings(
        rocrate_uri=str(crate), profile_identifier=profile, requirement_severity=models.Severity.RECOMMENDED
    )
    issues = services.validate(settings).get_issues(models.Severity.RECOMMENDED)
    return {(issue.severity.name, issue.message) for issue in issues}
