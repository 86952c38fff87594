"""How a process that stays loads its modules: once, and never looked through again.

Modules are made to stay, and hundreds of them come at once; the collector of garbage would go
through all that was made so far time and again, a fifth of the time a server takes to start, and
once more whenever it looks at everything later. Knows nothing of what is loaded.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """What is made in the block is taken for what lives as long as the process does."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
