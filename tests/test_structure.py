"""The layers of the package: what imports what."""

import ast

import pytest

from .structure import ROOT, circles, imports, modules, upward


def test_no_module_imports_itself_by_way_of_others():
    assert circles(imports(ROOT)) == []


def test_no_module_imports_from_a_layer_above():
    assert upward(imports(ROOT)) == []


@pytest.mark.parametrize("name", sorted(modules(ROOT)))
def test_no_module_uses_a_private_name_of_another(name):
    """A name with an underscore in front is used in its own module, and of objects of its own."""
    tree = ast.parse(modules(ROOT)[name].read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            private = [alias.name for alias in node.names if alias.name.startswith("_")]
            assert not [one for one in private if one not in modules(ROOT)], ast.unparse(node)


def test_circles_and_upward_imports_are_found():
    edges = {"data.a": {"data.b"}, "data.b": {"rules.c"}, "rules.c": {"data.a"}, "loss": set()}
    assert circles(edges) == [["data.a", "data.b", "rules.c"]]
    assert upward(edges) == ["data.b imports rules.c"]
