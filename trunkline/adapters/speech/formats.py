"""The names voice platforms give to sound on a wire: ``pcm_16000``, ``ulaw_8000``.

Apart from the encoding itself, which takes numpy: whoever converses in text needs the names only.
"""

import re

from trunkline.model.calls.lines import LineFormat

FORMAT = re.compile(r"(pcm|ulaw)_([1-9][0-9]{3,5})")


def format_of(name: str) -> LineFormat | None:
    """The format of such a name; None if it is none we can write and read."""
    found = FORMAT.fullmatch(name)
    if found is None:
        return None
    return LineFormat("pcm" if found[1] == "pcm" else "ulaw", int(found[2]))
