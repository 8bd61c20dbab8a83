"""The project's own files, as the conventions look at them."""

import ast
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = ("layers/penstock", "cli", "functions")
OURS = (*PRODUCT, "benchmarks", "docs", "events", "examples", "tests", ".ci", ".github")
TEXT = {".py", ".md", ".yaml", ".yml", ".toml", ".json", ".in", ".txt", ".sh", ".cfg", ".ini", ""}
NOT_OURS = {"__pycache__", "node_modules", ".pytest_cache", ".venv", ".penstock", "build"}


@dataclass(frozen=True)
class Source:
    """A file and its text; `path` is relative to the project."""

    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def lines(self) -> int:
        return len(self.text.splitlines())

    @property
    def imports(self) -> set[str]:
        """Modules, with the names that are imported from them: `a.b` and `a.b.c`."""
        found: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                module = "." * node.level + (node.module or "")
                found |= {module} | {f"{module}.{alias.name}" for alias in node.names}
        return found

    @property
    def packages(self) -> set[str]:
        return {name.split(".")[0] for name in self.imports}


def product() -> list[Source]:
    """The Python of the product, without tests and examples."""
    return list(_read(path for top in PRODUCT for path in (ROOT / top).rglob("*.py")))


def everything() -> list[Source]:
    """Every text file of the project."""
    nested = (path for top in OURS for path in (ROOT / top).rglob("*"))
    beside = (
        path for path in ROOT.iterdir() if path.suffix in TEXT - {""} or path.name == "Makefile"
    )
    return list(_read(path for path in (*nested, *beside) if path.suffix in TEXT))


def in_folder(sources: Iterable[Source], folder: str) -> list[Source]:
    found = [source for source in sources if source.path.startswith(folder + "/")]
    assert found, f"nothing in {folder}"
    return found


def _read(paths: Iterable[Path]) -> Iterator[Source]:
    for path in sorted(set(paths)):
        relative = path.relative_to(ROOT)
        if path.is_file() and not NOT_OURS & set(relative.parts):
            yield Source(relative.as_posix(), path.read_text(encoding="utf-8", errors="replace"))


STANDARD_LIBRARY = sys.stdlib_module_names
