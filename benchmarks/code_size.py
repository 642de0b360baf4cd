"""Lines of code, constants, classes and hooks of the natural gradient, here and in other revisions.

``python benchmarks/code_size.py [REVISION ...]``

A line of code is one that is not blank and not all comment or docstring. A constant is a name in
capitals that a module binds. Hooks are the methods and attributes that `UpdateRule` offers a rule.
"""

from __future__ import annotations

import argparse
import ast
import io
import subprocess
import tokenize
from pathlib import Path

ROOT = Path(__file__).parent.parent
RULES = "sklearn_gd_logreg/rules"
SIMPLE = (
    "base", "adagrad", "adam", "adaptive", "gradient_descent", "momentum", "nesterov", "rmsprop",
    "__init__",
)  # fmt: skip
NO_CODE = (
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
    tokenize.ENDMARKER,
)  # fmt: skip


def main() -> None:
    """Print a row for each revision and one for the files as they are."""
    parser = argparse.ArgumentParser(description="The size of the natural gradient's code.")
    parser.add_argument("revisions", nargs="*", help="of git; the files as they are come last")
    print(f"{'':12}  files  lines  constants  classes  hooks of UpdateRule")
    for revision in [*parser.parse_args().revisions, None]:
        files = sources(revision)
        natural = {name: text for name, text in files.items() if Path(name).stem not in SIMPLE}
        trees = [ast.parse(text) for text in natural.values()]
        numbers = (
            len(natural),
            sum(map(code_lines, natural.values())),
            sum(map(constants, trees)),
            sum(isinstance(node, ast.ClassDef) for tree in trees for node in ast.walk(tree)),
            hooks(ast.parse(files[f"{RULES}/base.py"])),
        )
        print("{:12}  {:5}  {:5}  {:9}  {:7}  {:5}".format(revision or "now", *numbers))


def sources(revision: str | None) -> dict[str, str]:
    """The text of each file of the rules."""
    if revision is None:
        paths = sorted((ROOT / RULES).rglob("*.py"))
        return {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in paths}
    names = git("ls-tree", "-r", "--name-only", revision, RULES).split()
    return {name: git("show", f"{revision}:{name}") for name in names if name.endswith(".py")}


def git(*arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout


def code_lines(text: str) -> int:
    """Lines that hold code."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            continue
        if isinstance(node.value.value, str):
            lines.difference_update(range(node.lineno, (node.end_lineno or 0) + 1))
    return len(lines)


def constants(tree: ast.Module) -> int:
    """Names in capitals that a module binds."""
    count = 0
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        names = [name for target in targets for name in ast.walk(target)]
        count += sum(isinstance(name, ast.Name) and name.id.isupper() for name in names)
    return count


def hooks(tree: ast.Module) -> int:
    """Public methods and attributes of `UpdateRule`, but for those that follow from others."""
    (rule,) = (n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "UpdateRule")
    methods = [n for n in rule.body if isinstance(n, ast.FunctionDef)]
    derived = {n.name for n in methods if any(map(is_property, n.decorator_list))}
    attributes = [n for n in rule.body if isinstance(n, ast.Assign)]
    return len([n for n in methods if n.name not in derived]) + len(attributes)


def is_property(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Name) and decorator.id == "property"


if __name__ == "__main__":
    main()
