"""Sweeps: one job per sweep, which fills one cube. The point store in data/points is no output: it outlives re-runs."""


rule sweep:
    input:
        lambda wildcards: [
            str(dataset_path(name)) for name in sweep_of(wildcards).datasets
        ],
    output:
        "data/cubes/{study}/{sweep}.nc",
    log:
        "data/logs/sweeps/{study}/{sweep}.log",
    benchmark:
        "data/benchmarks/sweeps/{study}/{sweep}.tsv"
    wildcard_constraints:
        study="[^/]+",
        sweep="[^/]+",
    conda:
        "../../environment.yml"
    threads: lambda wildcards: 1 if sweep_backend(wildcards) == "serial" else MOST_THREADS
    resources:
        mem_mb=8000,
        runtime=720,
        gpu=lambda wildcards: int(sweep_of(wildcards).fixed.get("device") == "cuda"),
        engine=engine_options,
    params:
        spec=lambda wildcards: sweep_of(wildcards).model_dump_json(),
        data=lambda wildcards: [
            f"{name}={dataset_path(name)}" for name in sweep_of(wildcards).datasets
        ],
        code=lambda wildcards: code_version(
            experiment_module(sweep_of(wildcards).experiment)
        ),
        cube=code_version("initatlas.sweeps.cube"),
    message:
        "sweep {wildcards.study}/{wildcards.sweep}"
    shell:
        "python -m initatlas stage sweep --log {log} --spec {params.spec:q} --store data/points --output {output}"
        " {resources.engine} --workers {threads} --data {params.data}"
