#!/usr/bin/env bash
# One allocation of several nodes, one Ray across them, and Snakemake inside, on the first node:
#   sbatch --nodes 4 --cpus-per-task 32 --time 8:00:00 workflow/profiles/ray-cluster/allocation.sh --config scale=paper
# All words behind the script are Snakemake's. To be called in the clone, whose folder all nodes see. It ends with Snakemake; what was
# computed is stored, and the same command goes on.
#SBATCH --job-name=initatlas
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive
set -euo pipefail

bin=${INITATLAS_BIN:-.venv/bin}
port=${INITATLAS_RAY_PORT:-6379}
cpus=${SLURM_CPUS_PER_TASK:-${SLURM_CPUS_ON_NODE%%(*}}
nodes=($(scontrol show hostnames "$SLURM_JOB_NODELIST"))
address=$(srun --nodes=1 --ntasks=1 --nodelist="${nodes[0]}" hostname --ip-address | awk '{print $1}')

# Whoever knows the token of a Ray can run programs in it: this one is new, and the jobs of nobody else see it.
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN
RAY_AUTH_TOKEN=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')

trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
step() { srun --overlap --nodes=1 --ntasks=1 --cpus-per-task="$cpus" --nodelist="$1" "${@:2}"; }

step "${nodes[0]}" "$bin/ray" start --head --node-ip-address="$address" --port="$port" --num-cpus="$cpus" \
    --include-dashboard=false --block &
for node in "${nodes[@]:1}"; do
    step "$node" "$bin/ray" start --address="$address:$port" --num-cpus="$cpus" --block &
done

# Nodes that join later are used as well: there is no need to wait for the last one.
for _ in $(seq 120); do
    if "$bin/ray" status --address="$address:$port" >/dev/null 2>&1; then break; fi
    sleep 1
done

RAY_ADDRESS=$address:$port "$bin/snakemake" --workflow-profile workflow/profiles/ray-cluster --cores "$cpus" "$@"
