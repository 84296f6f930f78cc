"""The report: one ledger of claims, one page."""


rule ledger:
    input:
        claims=texts(LAYOUT.claims(study) for study in ATLAS.studies),
        above=texts(ANCESTRY.above_studies()),
    output:
        str(LAYOUT.ledger),
    log:
        str(LAYOUT.log("ledger")),
    benchmark:
        str(LAYOUT.benchmark("ledger"))
    priority: CLAIMS_THEN
    localrule: True
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    params:
        made_from=ANCESTRY.ledger(),
    message:
        "ledger of claims"
    shell:
        "python -m initatlas stage ledger --log {log:q} --output {output:q} --claims {input.claims:q}"


rule explorer:
    input:
        cubes=cube_files(ATLAS.explored),
        above=texts(ANCESTRY.above_explorer()),
    output:
        str(LAYOUT.explorer),
    log:
        str(LAYOUT.log("explorer")),
    benchmark:
        str(LAYOUT.benchmark("explorer"))
    priority: CLAIMS_THEN
    localrule: True
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        cubes=placed(ATLAS.explored),
        outputs=[
            f"{title}={','.join(names)}" for title, names in ATLAS.explored.items()
        ],
        made_from=ANCESTRY.explorer(),
    message:
        "cubes for the explorer"
    shell:
        "python -m initatlas stage explorer --log {log:q} --output {output:q} --cubes {params.cubes:q}"
        " --outputs {params.outputs:q}"


rule kernels:
    output:
        str(LAYOUT.kernels),
    log:
        str(LAYOUT.log("kernels")),
    benchmark:
        str(LAYOUT.benchmark("kernels"))
    priority: CLAIMS_THEN
    localrule: True
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        made_from=ANCESTRY.kernels(),
    message:
        "kernels for the explorer"
    shell:
        "python -m initatlas stage kernels --log {log:q} --output {output:q}"


rule page:
    input:
        explorer=str(LAYOUT.explorer),
        kernels=str(LAYOUT.kernels),
        products=[path for study in ATLAS.studies for path in study_products(study)],
        ledger=str(LAYOUT.ledger),
        above=texts(ANCESTRY.above_studies()),
        captions=[path for study in ATLAS.studies for path in study_captions(study)],
    output:
        report(
            str(PAGE),
            category="Atlas",
            labels={"page": "the report"},
            caption="../report/page.rst",
        ),
    log:
        str(LAYOUT.log("page")),
    benchmark:
        str(LAYOUT.benchmark("page"))
    localrule: True
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        studies=[study.package for study in ATLAS.studies.values()],
        scale=ATLAS.settings.scale,
        products=lambda wildcards, input: str(Path(input.ledger).parent),
        cubes=placed(
            title
            for study in ATLAS.studies
            for title in AVAILABLE
            if title.startswith(f"{study}/")
        ),
        absent=[f"{name}={command}" for name, command in ATLAS.absent.items()],
        made_from=ANCESTRY.page(),
    message:
        "report page"
    shell:
        "python -m initatlas stage page --log {log:q} --products {params.products:q} --scale {params.scale}"
        " --output {output:q} --studies {params.studies:q} --cubes {params.cubes:q} --absent {params.absent:q}"
