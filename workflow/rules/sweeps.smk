"""Sweeps: one job per sweep, which fills one cube. The point store in data/points is no output: it outlives re-runs."""


rule sweep:
    input:
        lambda wildcards: texts(ANCESTRY.above_sweep(wildcards.title)),
    output:
        str(LAYOUT.cube("{title}")),
    log:
        str(LAYOUT.log("sweeps/{title}")),
    benchmark:
        str(LAYOUT.benchmark("sweeps/{title}"))
    wildcard_constraints:
        title=one_of(AVAILABLE),
    priority: sweep_priority
    conda:
        "../../environment.yml"
    threads: sweep_threads
    resources:
        mem_mb=sweep_megabytes,
        runtime=sweep_minutes,
        gpu=lambda wildcards: int(sweep_of(wildcards).fixed.get("device") == "cuda"),
        engine=engine_options,
    params:
        spec=lambda wildcards: spec_file(sweep_of(wildcards).model_dump_json()),
        data=lambda wildcards: [
            f"{name}={LAYOUT.dataset(name)}" for name in sweep_of(wildcards).datasets
        ],
        made_from=lambda wildcards: ANCESTRY.sweep(wildcards.title),
    message:
        "sweep {wildcards.title}"
    shell:
        "python -m initatlas stage sweep --log {log:q} --spec @{params.spec:q} --store data/points --output {output:q}"
        " {resources.engine} --workers {threads} --data {params.data:q}"


use rule sweep as slice with:
    output:
        str(LAYOUT.slice("{title}", "{number}-of-{slices}")),
    log:
        str(LAYOUT.log("slices/{title}/{number}-of-{slices}")),
    benchmark:
        str(LAYOUT.benchmark("slices/{title}/{number}-of-{slices}"))
    wildcard_constraints:
        title=one_of(AVAILABLE),
        number=r"\d+",
        slices=r"\d+",
    message:
        "slice {wildcards.number} of {wildcards.slices} of sweep {wildcards.title}"


# Long sweeps of a cluster, each in several jobs; the sweeps themselves then find their points stored.
rule slices:
    input:
        lambda wildcards: all_slices(),


rule unavailable:
    output:
        str(LAYOUT.cube("{title}")),
    log:
        str(LAYOUT.log("sweeps/{title}")),
    benchmark:
        str(LAYOUT.benchmark("sweeps/{title}"))
    wildcard_constraints:
        title=one_of(ATLAS.unavailable),
    localrule: True
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=100,
        runtime=1,
    params:
        reason=lambda wildcards: ATLAS.unavailable[wildcards.title],
    message:
        "sweep {wildcards.title}, which cannot run"
    shell:
        "python -m initatlas stage unavailable --log {log:q} --reason {params.reason:q}"
