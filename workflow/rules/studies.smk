"""Studies: every figure, table and set of claims is read from cubes alone."""

for _study, _declared in ATLAS.studies.items():
    for _name, _cubes in _declared.figures.items():

        rule:
            name:
                f"figure_{_study}_{_name}"
            input:
                **product_cubes(_study, _cubes),
                published=f"config/published/{_study}.yaml",
            output:
                svg=report(
                    f"reports/{_study}/figures/{_name}.svg",
                    caption=f"../report/{_study}/{_name}.rst",
                    category=_declared.title,
                    subcategory="Figures",
                    labels={"figure": _name},
                ),
                pdf=f"reports/{_study}/figures/{_name}.pdf",
                png=f"reports/{_study}/figures/{_name}.png",
            log:
                f"data/logs/figures/{_study}/{_name}.log",
            benchmark:
                f"data/benchmarks/figures/{_study}/{_name}.tsv"
            conda:
                "../../environment.yml"
            threads: 1
            resources:
                mem_mb=2000,
                runtime=10,
            params:
                study=_study,
                name=_name,
                cubes=cube_arguments,
                code=code_version(f"initatlas.studies.{_study}.figures"),
                style=code_version("initatlas.report.style"),
            message:
                f"figure {_study}/{_name}"
            shell:
                "python -m initatlas stage figure --log {log} --study {params.study} --name {params.name}"
                " --published {input.published} --output {output.svg} --cubes {params.cubes}"

    for _name, _cubes in _declared.tables.items():

        rule:
            name:
                f"table_{_study}_{_name}"
            input:
                **product_cubes(_study, _cubes),
                caption=f"workflow/report/{_study}/{_name}.rst",
                published=f"config/published/{_study}.yaml",
            output:
                csv=report(
                    f"reports/{_study}/tables/{_name}.csv",
                    caption=f"../report/{_study}/{_name}.rst",
                    category=_declared.title,
                    subcategory="Tables",
                    labels={"table": _name},
                ),
                md=f"reports/{_study}/tables/{_name}.md",
                tex=f"reports/{_study}/tables/{_name}.tex",
                html=f"reports/{_study}/tables/{_name}.html",
            log:
                f"data/logs/tables/{_study}/{_name}.log",
            benchmark:
                f"data/benchmarks/tables/{_study}/{_name}.tsv"
            conda:
                "../../environment.yml"
            threads: 1
            resources:
                mem_mb=2000,
                runtime=10,
            params:
                study=_study,
                name=_name,
                cubes=cube_arguments,
                code=code_version(f"initatlas.studies.{_study}.tables"),
                writer=code_version("initatlas.report.tables"),
            message:
                f"table {_study}/{_name}"
            shell:
                "python -m initatlas stage table --log {log} --study {params.study} --name {params.name}"
                " --published {input.published} --caption {input.caption} --output {output.csv} --cubes {params.cubes}"

    rule:
        name:
            f"claims_{_study}"
        input:
            **product_cubes(_study, _declared.claims),
            published=f"config/published/{_study}.yaml",
        output:
            f"reports/{_study}/claims.json",
        log:
            f"data/logs/claims/{_study}.log",
        benchmark:
            f"data/benchmarks/claims/{_study}.tsv"
        conda:
            "../../environment.yml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=10,
        params:
            study=_study,
            cubes=cube_arguments,
            code=code_version(f"initatlas.studies.{_study}.claims"),
        message:
            f"claims of {_study}"
        shell:
            "python -m initatlas stage claims --log {log} --study {params.study} --published {input.published}"
            " --output {output} --cubes {params.cubes}"
