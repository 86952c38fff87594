"""Writes every document that is made from code, or says which of them are out of date.

``python docs/generate.py`` writes, ``--check`` only compares and ends with 1. Each generator
answers paths below the repository and their whole text; what it knows stays with the code it
describes.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from trunkline.cli.reference import reference
from trunkline.cli.schemas import schemas
from trunkline.manifests.documents import read_documents
from trunkline.manifests.reference import Shown, conversation_reference
from trunkline.manifests.schemas import schema_files
from trunkline.model.roles import roles_text

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = "tests/testing/examples"
ROLES_BEGIN = "<!-- roles: made by docs/generate.py -->"
ROLES_END = "<!-- end of roles -->"


def manifest_schemas() -> Mapping[str, str]:
    """The JSON Schemas that editors check manifests with."""
    return {f"manifests/schema/{name}": text for name, text in schema_files().items()}


def command_reference() -> Mapping[str, str]:
    """Every verb with its options, from the commands themselves."""
    return {"docs/cli.md": reference()}


def output_schemas() -> Mapping[str, str]:
    """What ``-o json`` prints, as JSON Schemas."""
    return {
        f"docs/schemas/{kind}.json": json.dumps(schema, indent=2, sort_keys=True) + "\n"
        for kind, schema in schemas().items()
    }


def roles() -> Mapping[str, str]:
    """The page about the API, with the table of roles in its place."""
    name = "docs/api.md"
    text = (ROOT / name).read_text("utf-8")
    before, _, rest = text.partition(ROLES_BEGIN)
    after = rest.partition(ROLES_END)[2]
    return {name: f"{before}{ROLES_BEGIN}\n{roles_text()}{ROLES_END}{after}"}


def conversation_tests() -> Mapping[str, str]:
    """The reference of conversation tests, with the examples that are run as tests."""
    return {"docs/conversation-tests.md": conversation_reference(shown_examples())}


def shown_examples() -> Iterator[Shown]:
    """The catalogue of examples, file by file."""
    for path in sorted((ROOT / EXAMPLES).glob("*.yaml")):
        for document in read_documents(path.read_text("utf-8")):
            for each in document.value if isinstance(document.value, list) else [document.value]:
                yield Shown.model_validate(each)


GENERATORS: tuple[Callable[[], Mapping[str, str]], ...] = (
    manifest_schemas,
    command_reference,
    output_schemas,
    conversation_tests,
    roles,
)


def main(arguments: list[str]) -> int:
    """Write or check; 1 if ``--check`` finds a document that is out of date."""
    checking = "--check" in arguments
    outdated = []
    for generate in GENERATORS:
        for name, text in generate().items():
            path = ROOT / name
            if path.exists() and path.read_text("utf-8") == text:
                continue
            outdated.append(name)
            if not checking:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, "utf-8")
    verb = "out of date, run `make docs`" if checking else "written"
    for name in outdated:
        sys.stderr.write(f"{name}: {verb}\n")
    return 1 if checking and outdated else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
