"""Which backend a sweep gets."""

import pytest

from initatlas.sweeps.backends import SECONDS_WORTH_RAY, choose_backend

LONG, SHORT = 2 * SECONDS_WORTH_RAY, SECONDS_WORTH_RAY / 2


@pytest.mark.parametrize(
    ("name", "seconds", "workers", "joined", "chosen"),
    [
        ("serial", LONG, 8, True, "serial"),
        ("ray", SHORT, 1, False, "ray"),
        ("auto", SHORT, 8, False, "serial"),
        ("auto", SHORT, 8, True, "serial"),
        ("auto", LONG, 8, False, "ray"),
        ("auto", LONG, 1, False, "serial"),
        ("auto", LONG, 1, True, "ray"),
    ],
)
def test_auto_takes_ray_where_it_pays(name, seconds, workers, joined, chosen):
    def connect():
        raise AssertionError("choosing does not start anything")

    backend = choose_backend(name, seconds=seconds, workers=workers, connect=connect, joined=joined)
    assert backend.name == chosen
