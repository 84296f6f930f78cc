"""Data sets: generated, or read from raw files that the user has put in place or downloaded."""


rule dataset:
    input:
        lambda wildcards: [str(path) for path in ATLAS.raw_files[wildcards.dataset]],
    output:
        "data/datasets/{dataset}.nc",
    log:
        "data/logs/datasets/{dataset}.log",
    benchmark:
        "data/benchmarks/datasets/{dataset}.tsv"
    wildcard_constraints:
        dataset="|".join(ATLAS.datasets),
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        spec=dataset_spec,
        code=dataset_code,
        raw_data=ATLAS.settings.raw_data,
    message:
        "data set {wildcards.dataset}"
    shell:
        "python -m initatlas stage dataset --log {log} --name {wildcards.dataset} --spec {params.spec:q}"
        " --raw-data {params.raw_data:q} --output {output}"


for _dataset in ATLAS.downloads:

    rule:
        name:
            f"download_{_dataset}"
        log:
            f"data/logs/downloads/{_dataset}.log",
        conda:
            "../../environment.yml"
        threads: 1
        resources:
            mem_mb=500,
            runtime=120,
        params:
            dataset=_dataset,
            raw_data=ATLAS.settings.raw_data,
        message:
            f"download the raw files of {_dataset}"
        shell:
            "python -m initatlas download {params.dataset} --raw-data {params.raw_data:q} --log {log}"
