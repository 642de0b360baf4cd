"""The structure of the package in figures: ``python -m tests.structure [REVISION]``.

With a revision of git, before and after side by side. Lines of code are those with something
else on them than comments and docstrings.
"""

import ast
import io
import subprocess
import sys
import tarfile
import tempfile
import tokenize
from collections import Counter
from pathlib import Path

PACKAGE = "sklearn_gd_logreg"
ROOT = Path(__file__).parents[1]

LAYERS = (
    (
        "_cached",
        "_floating",
        "_linalg",
        "_namespace",
        "_notebook",
        "_splitmix64",
        "_text",
        "_typing",
        "validation",
    ),
    ("state",),
    ("chunk_targets", "data", "loss", "loss_array_api", "penalty", "targets"),
    ("fisher",),
    ("objective",),
    ("schedules",),
    ("line_search",),
    ("rules",),
    ("descent",),
    ("fitting",),
    ("prediction",),
    ("estimator",),
    ("registry",),
    ("callbacks", "conversion", "inspection", "model_selection"),
    ("display",),
    ("computation_graph",),
    ("",),
)
"""The modules and packages at the top, from the bottom up: none imports from above itself."""


def modules(root):
    """The file of every module by its name within the package."""
    found = {}
    for path in sorted((root / PACKAGE).rglob("*.py")):
        parts = path.relative_to(root / PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(root):
    """Which modules of the package each module imports, wherever in its file it does."""
    files = modules(root)
    edges = {name: set() for name in files}
    for name, path in files.items():
        parts = name.split(".") if name else []
        here = parts if path.name == "__init__.py" else parts[:-1]
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.ImportFrom) or not node.level:
                continue
            base = here[: len(here) - (node.level - 1)] + (node.module or "").split(".")
            module = ".".join(part for part in base if part)
            for alias in node.names:
                below = f"{module}.{alias.name}".lstrip(".")
                target = below if below in files else module
                if target != name:
                    edges[name].add(target)
    return edges


def circles(edges):
    """Sets of modules that import each other, directly or by way of others."""
    reachable = {name: set(below) for name, below in edges.items()}
    for through in edges:
        for below in reachable.values():
            if through in below:
                below |= reachable[through]
    found = {
        frozenset(other for other in reachable[name] if name in reachable[other])
        for name in edges
        if name in reachable[name]
    }
    return sorted(map(sorted, found))


def layer_of(name):
    """Number of the layer of a module, from the bottom up."""
    top = name.partition(".")[0]
    return next(number for number, layer in enumerate(LAYERS) if top in layer)


def upward(edges):
    """Imports of a module from a layer above its own."""
    return sorted(
        f"{name} imports {target}"
        for name, targets in edges.items()
        for target in targets
        if layer_of(target) > layer_of(name)
    )


def lines_of_code(source):
    """Numbers of the lines with code on them."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    skipped = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    lines = set()
    for token in tokens:
        if token.type not in skipped and token.type != tokenize.ENDMARKER:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if text and isinstance(node.value.value, str):
            lines -= set(range(node.lineno, node.end_lineno + 1))
    return lines


def functions(source):
    """Name and lines of code of every function."""
    code = lines_of_code(source)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            yield node.name, len(code & set(range(node.lineno, node.end_lineno + 1)))


def constants(source):
    """Names in capitals that a module gives a value to."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)]
            yield from (name for name in names if name.isupper())


def definitions(source):
    """Names of the functions and classes of a module."""
    body = ast.parse(source).body
    return {node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def figures(root):
    """The table of a folder with the package."""
    sources = {name: path.read_text() for name, path in modules(root).items()}
    sizes = {name: len(lines_of_code(source)) for name, source in sources.items()}
    longest = max(
        (size, f"{name}: {function}")
        for name, source in sources.items()
        for function, size in functions(source)
    )
    file = max((size, name) for name, size in sizes.items())
    edges = imports(root)
    defined = Counter(name for source in sources.values() for name in set(constants(source)))
    shared = sorted(name for name, count in defined.items() if count > 1)
    named = Counter(name for source in sources.values() for name in definitions(source))
    repeated = sorted(name for name, count in named.items() if count > 1)
    rule = next(
        node
        for node in ast.parse(sources["rules.base"]).body
        if isinstance(node, ast.ClassDef) and node.name == "UpdateRule"
    )
    hooks = [node for node in rule.body if isinstance(node, ast.FunctionDef | ast.Assign)]
    return {
        "files": len(sources),
        "lines of code": sum(sizes.values()),
        "circles of imports": len(circles(edges)),
        "modules in circles": sum(map(len, circles(edges))),
        "hooks and flags of UpdateRule": len(hooks),
        "lines of the estimator": sizes["estimator"],
        "longest file": f"{file[0]} ({file[1]})",
        "longest function": f"{longest[0]} ({longest[1]})",
        "constants of one name in several files": f"{len(shared)} ({', '.join(shared)})",
        "functions and classes likewise": f"{len(repeated)} ({', '.join(repeated)})",
    }


def main():
    now = figures(ROOT)
    before = {}
    if len(sys.argv) > 1:
        archive = subprocess.run(
            ["git", "archive", sys.argv[1], PACKAGE], cwd=ROOT, check=True, capture_output=True
        )
        with tempfile.TemporaryDirectory() as folder:
            with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
                files.extractall(folder, filter="data")
            before = figures(Path(folder))
    for title, figure in now.items():
        shown = f"{before[title]} → {figure}" if before else str(figure)
        print(f"{title:<40}{shown}")


if __name__ == "__main__":
    main()
