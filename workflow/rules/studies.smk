"""Studies: every figure, table and set of claims is read from cubes alone."""

for _study, _declared in ATLAS.studies.items():
    for _name, _cubes in _declared.figures.items():

        rule:
            name:
                f"figure_{_study}_{_name}"
            input:
                **product_cubes(_study, _cubes),
                published=str(published(_study)),
                above=above_product(_study, _cubes),
            output:
                svg=report(
                    str(LAYOUT.figure(_study, _name, "svg")),
                    caption=str(Path(caption(_study, _name)).resolve()),
                    category=_declared.title,
                    subcategory="Figures",
                    labels={"figure": _name},
                ),
                pdf=str(LAYOUT.figure(_study, _name, "pdf")),
                png=str(LAYOUT.figure(_study, _name, "png")),
                csv=str(LAYOUT.figure(_study, _name, "csv")),
            log:
                str(LAYOUT.log(f"figures/{_study}/{_name}")),
            benchmark:
                str(LAYOUT.benchmark(f"figures/{_study}/{_name}"))
            localrule: True
            conda:
                "../../environment.yml"
            threads: 1
            resources:
                mem_mb=2000,
                runtime=10,
            params:
                study=_declared.package,
                name=_name,
                cubes=cube_arguments(_study, _cubes),
                made_from=ANCESTRY.figure(_study, _name),
            message:
                f"figure {_study}/{_name}"
            shell:
                "python -m initatlas stage figure --log {log:q} --study {params.study:q} --name {params.name:q}"
                " --published {input.published:q} --output {output.svg:q} --cubes {params.cubes:q}"

    for _name, _cubes in _declared.tables.items():

        rule:
            name:
                f"table_{_study}_{_name}"
            input:
                **product_cubes(_study, _cubes),
                caption=caption(_study, _name),
                published=str(published(_study)),
                above=above_product(_study, _cubes),
            output:
                csv=report(
                    str(LAYOUT.table(_study, _name, "csv")),
                    caption=str(Path(caption(_study, _name)).resolve()),
                    category=_declared.title,
                    subcategory="Tables",
                    labels={"table": _name},
                ),
                md=str(LAYOUT.table(_study, _name, "md")),
                tex=str(LAYOUT.table(_study, _name, "tex")),
                html=str(LAYOUT.table(_study, _name, "html")),
            log:
                str(LAYOUT.log(f"tables/{_study}/{_name}")),
            benchmark:
                str(LAYOUT.benchmark(f"tables/{_study}/{_name}"))
            localrule: True
            conda:
                "../../environment.yml"
            threads: 1
            resources:
                mem_mb=2000,
                runtime=10,
            params:
                study=_declared.package,
                name=_name,
                cubes=cube_arguments(_study, _cubes),
                made_from=ANCESTRY.table(_study, _name),
            message:
                f"table {_study}/{_name}"
            shell:
                "python -m initatlas stage table --log {log:q} --study {params.study:q} --name {params.name:q}"
                " --published {input.published:q} --caption {input.caption:q} --output {output.csv:q}"
                " --cubes {params.cubes:q}"

    rule:
        name:
            f"claims_{_study}"
        input:
            **product_cubes(_study, _declared.claims),
            published=str(published(_study)),
            above=above_product(_study, _declared.claims),
        output:
            str(LAYOUT.claims(_study)),
        log:
            str(LAYOUT.log(f"claims/{_study}")),
        benchmark:
            str(LAYOUT.benchmark(f"claims/{_study}"))
        priority: CLAIMS_THEN
        localrule: True
        conda:
            "../../environment.yml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=10,
        params:
            study=_declared.package,
            cubes=cube_arguments(_study, _declared.claims),
            made_from=ANCESTRY.claims(_study),
        message:
            f"claims of {_study}"
        shell:
            "python -m initatlas stage claims --log {log:q} --study {params.study:q}"
            " --published {input.published:q} --output {output:q} --cubes {params.cubes:q}"
