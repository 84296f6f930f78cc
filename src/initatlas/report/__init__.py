"""The report: plot style, claim ledger and the page."""
