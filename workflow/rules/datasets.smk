"""Data sets: generated, or read from raw files that the user has put in place or downloaded."""


rule dataset:
    input:
        lambda wildcards: texts(ATLAS.raw_files[wildcards.dataset]),
    output:
        str(LAYOUT.dataset("{dataset}")),
    log:
        str(LAYOUT.log("datasets/{dataset}")),
    benchmark:
        str(LAYOUT.benchmark("datasets/{dataset}"))
    wildcard_constraints:
        dataset=one_of(ATLAS.datasets),
    priority: DATASETS_FIRST
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        spec=dataset_spec,
        made_from=lambda wildcards: ANCESTRY.dataset(wildcards.dataset),
        raw_data=ATLAS.settings.raw_data,
    message:
        "data set {wildcards.dataset}"
    shell:
        "python -m initatlas stage dataset --log {log:q} --name {wildcards.dataset:q} --spec @{params.spec:q}"
        " --raw-data {params.raw_data:q} --made-from {params.made_from:q} --output {output:q}"


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
            "python -m initatlas download {params.dataset:q} --raw-data {params.raw_data:q} --log {log:q}"
