"""A small Ray cluster on loopback whose nodes can be killed and replaced; to be called in a process of its own."""

import os

SYSTEM = {
    "health_check_initial_delay_ms": 0,
    "health_check_period_ms": 200,
    "health_check_timeout_ms": 2000,
    "health_check_failure_threshold": 3,
}
"""A dead node is missed within a second instead of half a minute."""

MEMORY = 80_000_000

_WITHOUT = {"include_dashboard": False, "include_log_monitor": False, "no_monitor": True}
"""What takes seconds to start, and nobody asks for."""

_nodes = []
"""The worker nodes, newest last. The cluster belongs to this process, so that it is kept here."""

_clusters = []


def start_cluster(nodes=2):
    """A head without CPUs and some nodes of one CPU; give the address."""
    os.environ |= {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_DISABLE_FAILURE_SIGNAL_HANDLER": "1"}
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "object_store_memory": MEMORY, "_system_config": SYSTEM, **_WITHOUT}
    _clusters.append(Cluster(initialize_head=True, head_node_args=head))
    for _ in range(nodes):
        add_node()
    return _clusters[0].address


def add_node(environment=None):
    """Let a node of one CPU join, under an address of its own; its workers may see another environment."""
    address = f"127.0.0.{len(_nodes) + 2}"
    _nodes.append(
        _clusters[0].add_node(
            num_cpus=1, object_store_memory=MEMORY, node_ip_address=address, env_vars=environment or {}
        )
    )


def kill_node(number):
    """Kill the raylet of a node that is there, and its other processes with it."""
    alive = [node for node in _nodes if node in _clusters[0].worker_nodes]
    _clusters[0].remove_node(alive[number % len(alive)], allow_graceful=False)


def end_cluster():
    """Kill all nodes, the head last."""
    (cluster,) = _clusters
    for node in reversed(cluster.list_all_nodes()):
        cluster.remove_node(node, allow_graceful=False)
