"""What the tests of this room share."""

import pytest
import torch


@pytest.fixture
def one_thread():
    """The promise of equal bits is made for one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
