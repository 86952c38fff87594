"""The house holds itself to its own style: what a linter does not know is checked here.

Every rule lists its offenders as ``file:line: what``, so that a failure reads like a to-do list.
"""

import ast
import gc
import re
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PRODUCT_ROOMS = (
    "trunkline",
    "workflows",
    "activities",
    "api",
    "realtime",
    "simulators",
    "benchmarks",
)
FUNCTION_MAX_LINES = 70
MODULE_MAX_LINES = 500
LINE_MAX_CHARACTERS = 100
NAME_MAX_CHARACTERS = 40
VAGUE_WORDS = {"util", "utils", "helper", "helpers", "manager", "common", "misc"}
DECISION_SECTIONS = ("## Context", "## Options", "## Decision", "## Consequences")


@dataclass(frozen=True)
class Module:
    """One Python file of the repository."""

    path: Path

    @cached_property
    def text(self) -> str:
        return (ROOT / self.path).read_text("utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def room(self) -> str:
        return self.path.parts[0]

    @property
    def dotted(self) -> str:
        parts = self.path.with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def at(self, line: int, what: str) -> str:
        return f"{self.path}:{line}: {what}"

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @cached_property
    def functions(self) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
        return [
            node for node in self.nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        ]

    @cached_property
    def calls(self) -> list[tuple[ast.Call, str]]:
        return [(node, _spelt(node.func)) for node in self.nodes if isinstance(node, ast.Call)]

    def forget(self) -> None:
        """Let go of what was read."""
        for read in ("text", "tree", "nodes", "functions", "calls"):
            vars(self).pop(read, None)


def _spelt(node: ast.expr) -> str:
    """Dotted names as they are written; what is no name is left out."""
    if isinstance(node, ast.Attribute):
        return f"{_spelt(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _files(*patterns: str) -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    names = sorted(set(filter(None, listing.stdout.split("\0"))))
    return [Path(name) for name in names if (ROOT / name).is_file()]


MODULES = [Module(path) for path in _files("*.py")]
PRODUCT = [module for module in MODULES if module.room in PRODUCT_ROOMS]
TESTS = [module for module in MODULES if module.room == "tests"]


def long_functions() -> list[str]:
    return [
        module.at(node.lineno, f"{node.name} has {length} lines")
        for module in MODULES
        for node in module.functions
        if (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_MAX_LINES
    ]


def long_modules() -> list[str]:
    return [
        module.at(1, f"{count} lines")
        for module in MODULES
        if (count := len(module.text.splitlines())) > MODULE_MAX_LINES
    ]


def long_lines() -> list[str]:
    return [
        module.at(number, f"{len(line)} characters")
        for module in MODULES
        for number, line in enumerate(module.text.splitlines(), start=1)
        if len(line) > LINE_MAX_CHARACTERS
    ]


def long_names() -> list[str]:
    return [
        module.at(node.lineno, node.name)
        for module in PRODUCT
        for node in module.nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and len(node.name) > NAME_MAX_CHARACTERS
    ]


def vague_names() -> list[str]:
    found = []
    for module in MODULES:
        if VAGUE_WORDS & set(module.path.stem.lower().split("_")):
            found.append(module.at(1, module.path.name))
        for node in module.nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                words = re.findall(r"[A-Z]?[a-z0-9]+", node.name)
                if VAGUE_WORDS & {word.lower() for word in words}:
                    found.append(module.at(node.lineno, node.name))
    return found


def modules_that_do_not_say_why() -> list[str]:
    return [
        module.at(1, "no docstring")
        for module in PRODUCT
        if module.text.strip() and not ast.get_docstring(module.tree)
    ]


def unfinished_work() -> list[str]:
    marker = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
    found = [
        module.at(number, line.strip())
        for module in MODULES
        for number, line in enumerate(module.text.splitlines(), start=1)
        if marker.search(line)
    ]
    unfinished = "NotImplemented" + "Error"
    return found + [
        module.at(node.lineno, unfinished)
        for module in MODULES
        for node in module.nodes
        if isinstance(node, ast.Name) and node.id == unfinished
    ]


def prints() -> list[str]:
    return [
        module.at(call.lineno, "print")
        for module in PRODUCT
        if module.room != "benchmarks"
        for call, name in module.calls
        if name == "print"
    ]


def _names_a_module(value: object) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"[a-z_]+(\.[a-z_]+)+(:\w+)?", value))


def _imports(module: Module) -> Iterator[str]:
    package = (
        module.dotted if module.path.name == "__init__.py" else module.dotted.rpartition(".")[0]
    )
    for node in module.nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, base] if base else parents)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and _names_a_module(node.value):
            yield str(node.value).partition(":")[0]


def dead_modules() -> list[str]:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    alive = {entry.partition(":")[0] for entry in scripts.values()}
    for module in MODULES:
        if module.room == "tests":
            alive |= {name for name in _imports(module) if name.startswith("simulators")}
        else:
            alive |= {name for name in _imports(module) if name != module.dotted}
    return [
        module.at(1, "nobody imports it and nothing starts it")
        for module in PRODUCT
        if module.text.strip()
        and module.path.name not in {"__init__.py", "__main__.py", "env.py"}
        and "versions" not in module.path.parts
        and module.dotted not in alive
        and 'if __name__ == "__main__":' not in module.text
    ]


def _asserts(node: ast.AST) -> bool:
    return any(
        isinstance(part, ast.Assert)
        or (isinstance(part, ast.Call) and _spelt(part.func) in {"pytest.raises", "pytest.fail"})
        for part in ast.walk(node)
    )


def vacuous_tests() -> list[str]:
    """A test asserts, expects an error, or calls something that does: of the tests' own, or
    of the product's by a name that says so.
    """
    checks = {node.name for module in TESTS for node in module.functions if _asserts(node)}
    found = []
    for module in TESTS:
        for node in module.functions:
            calls = (part for part in ast.walk(node) if isinstance(part, ast.Call))
            called = {_spelt(call.func).rpartition(".")[2] for call in calls}
            checked = called & checks or any(
                name.startswith(("check", "require")) for name in called
            )
            if node.name.startswith("test_") and not _asserts(node) and not checked:
                found.append(module.at(node.lineno, node.name))
    return found


def sleeping_tests() -> list[str]:
    """A sleep is allowed inside a loop that polls a condition, nowhere else."""
    found = []
    for module in TESTS:
        polling = {
            id(call)
            for loop in module.nodes
            if isinstance(loop, ast.While | ast.For | ast.AsyncFor)
            for call in ast.walk(loop)
            if isinstance(call, ast.Call)
        }
        for call, name in module.calls:
            yields = bool(call.args) and ast.unparse(call.args[0]) == "0"
            if name.endswith("sleep") and id(call) not in polling and not yields:
                found.append(module.at(call.lineno, name))
    return found


def skipping_or_mocking_tests() -> list[str]:
    forbidden = re.compile(
        r"pytest\.(mark\.)?(skip|skipif|importorskip|xfail)\b|unittest\.mock|MagicMock|"
        r"monkeypatch\.setattr|mocker\."
    )
    return [
        module.at(number, line.strip())
        for module in TESTS
        if module.path.name != Path(__file__).name
        for number, line in enumerate(module.text.splitlines(), start=1)
        if forbidden.search(line)
    ]


def packages_inside_tests() -> list[str]:
    return [str(module.path) for module in TESTS if module.path.name == "__init__.py"]


def traces_of_a_machine() -> list[str]:
    trace = re.compile(r"(?<![\w.$}])/(home|Users|work|root)/\w|\bissues? #?\d+\b", re.IGNORECASE)
    found = []
    for path in _files("*.py", "*.md", "*.toml", "*.yaml", "*.yml", "Makefile", ".ci/*"):
        if path.name == Path(__file__).name:
            continue
        for number, line in enumerate((ROOT / path).read_text("utf-8").splitlines(), start=1):
            if trace.search(line):
                found.append(f"{path}:{number}: {line.strip()}")
    return found


def packages_from_elsewhere() -> list[str]:
    addresses = re.findall(r'"(https?://[^"]+)"', (ROOT / "uv.lock").read_text("utf-8"))
    public = ("https://pypi.org/simple", "https://files.pythonhosted.org/")
    return sorted({address for address in addresses if not address.startswith(public)})


def decisions_out_of_shape() -> list[str]:
    found = []
    for expected, path in enumerate(_files("docs/decisions/*.md"), start=1):
        text = (ROOT / path).read_text("utf-8")
        if not re.fullmatch(rf"{expected:04}-[a-z0-9-]+\.md", path.name):
            found.append(f"{path}: expected number {expected:04}")
        if not text.startswith(f"# {expected:04} "):
            found.append(f"{path}: the title does not begin with its number")
        found += [f"{path}: no {part}" for part in DECISION_SECTIONS if f"\n{part}\n" not in text]
    return found


def commands_that_do_not_exist() -> list[str]:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    return [
        f"{path}: make {target}"
        for path in _files("*.md")
        for target in re.findall(
            r"(?:^|`)make ([a-z][a-z-]*)", (ROOT / path).read_text("utf-8"), re.MULTILINE
        )
        if target not in targets
    ]


def broken_links() -> list[str]:
    found = []
    for path in _files("*.md"):
        for target in re.findall(r"\]\(([^)#\s]+)", (ROOT / path).read_text("utf-8")):
            local = not re.match(r"[a-z]+:", target)
            if local and not (ROOT / path.parent / target).exists():
                found.append(f"{path}: {target}")
    return found


RULES = (
    long_functions,
    long_modules,
    long_lines,
    long_names,
    vague_names,
    modules_that_do_not_say_why,
    unfinished_work,
    prints,
    dead_modules,
    vacuous_tests,
    sleeping_tests,
    skipping_or_mocking_tests,
    packages_inside_tests,
    traces_of_a_machine,
    packages_from_elsewhere,
    decisions_out_of_shape,
    commands_that_do_not_exist,
    broken_links,
)


@pytest.fixture(scope="module", autouse=True)
def read_once() -> Iterator[None]:
    """What is read is millions of objects: no collection of garbage looks at them while the rules
    do, and none in the tests that follow.
    """
    gc.disable()
    yield
    for module in MODULES:
        module.forget()
    gc.enable()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_has_no(rule: Callable[[], list[str]]) -> None:
    offenders = rule()
    assert offenders == [], "\n" + "\n".join(offenders)


def test_readme_gives_the_two_commands_and_they_exist() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for command in ("demo", "test"):
        assert f"make {command}" in readme
        assert re.search(rf"^{command}:", makefile, re.MULTILINE)


def test_continuous_integration_runs_the_same_command() -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    assert script.rstrip().endswith("exec make test")
