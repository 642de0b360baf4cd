"""The layers of the package: what imports what."""

import ast

from .structure import ROOT, circles, imports, modules, upward


def test_no_module_imports_itself_by_way_of_others():
    assert circles(imports(ROOT)) == []


def test_no_module_imports_from_a_layer_above():
    assert upward(imports(ROOT)) == []


def test_no_module_uses_a_private_name_of_another():
    """A name that begins with an underscore stays in its module; a module may have such a name."""
    found = modules(ROOT)
    for name, path in found.items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level:
                private = {alias.name for alias in node.names if alias.name.startswith("_")}
                assert private <= found.keys(), (name, ast.unparse(node))


def test_circles_and_upward_imports_are_found():
    edges = {"data.a": {"data.b"}, "data.b": {"rules.c"}, "rules.c": {"data.a"}, "loss": set()}
    assert circles(edges) == [["data.a", "data.b", "rules.c"]]
    assert upward(edges) == ["data.b imports rules.c"]
