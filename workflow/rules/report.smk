"""The report: one ledger of claims, one page."""


rule ledger:
    input:
        [f"reports/{study}/claims.json" for study in ATLAS.studies],
    output:
        "reports/claims.json",
    log:
        "data/logs/ledger.log",
    benchmark:
        "data/benchmarks/ledger.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    params:
        code=code_version("initatlas.report.ledger"),
    message:
        "ledger of claims"
    shell:
        "python -m initatlas stage ledger --log {log} --output {output} --claims {input}"


rule page:
    input:
        products=[path for study in ATLAS.studies for path in study_products(study)],
        captions=[path for study in ATLAS.studies for path in study_captions(study)],
        cubes=page_cubes(),
        claims="reports/claims.json",
    output:
        report(
            "reports/index.html",
            category="Atlas",
            labels={"page": "the report"},
            caption="../report/page.rst",
        ),
    log:
        "data/logs/page.log",
    benchmark:
        "data/benchmarks/page.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        studies=list(ATLAS.studies),
        scale=ATLAS.settings.scale,
        code=code_version("initatlas.report.collect"),
        templates=text_version(Path(initatlas.report.__path__[0]) / "templates"),
        declarations=[
            code_version(f"initatlas.studies.{study}") for study in ATLAS.studies
        ],
    message:
        "report page"
    shell:
        "python -m initatlas stage page --log {log} --reports reports --captions workflow/report"
        " --scale {params.scale} --output {output} --studies {params.studies} --cubes {input.cubes}"
