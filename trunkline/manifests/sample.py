"""Where the sample company is: beside the code in a checkout, inside the package when installed."""

from pathlib import Path

from trunkline.model.errors import NotFound

_PACKAGE = Path(__file__).parents[1]


def sample_folder() -> Path:
    """The folder of the sample manifests repository. Raises NotFound if it was not shipped."""
    for folder in (_PACKAGE / "sample", _PACKAGE.parent / "manifests"):
        if (folder / "trunkline.yaml").is_file():
            return folder
    raise NotFound("the sample manifests were not installed")
