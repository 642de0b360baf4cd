"""Configuration of Sphinx: `make docs` builds the pages in docs/_build/html."""

import re

from sklearn_gd_logreg import __version__

project = "sklearn_gd_logreg"
author = "The sklearn_gd_logreg developers"
copyright = author
version = release = __version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
]
exclude_patterns = ["_build", "_static", "_templates"]
templates_path = ["_templates"]
default_role = "py:obj"
myst_heading_anchors = 3

autodoc_inherit_docstrings = False  # what a method answers is said where it is declared
autodoc_typehints = "none"  # the numpydoc sections hold the types
numpydoc_show_class_members = False  # the template of autosummary shows the methods

html_theme = "furo"
html_title = f"{project} {version}"
html_copy_source = False
html_show_sphinx = False


def quote_fitted_names(app, what, name, obj, options, lines):
    """Quote names such as n_iter_ in shapes: a word that ends in _ is a link to Sphinx."""
    for number, line in enumerate(lines):
        if " of shape (" in line:
            lines[number] = re.sub(r"(?<=[( ])(\w+_)(?=[ ,)])", r"``\1``", line)


def trim_code(app, doctree):
    """Cut the blank line at the end of a code block, which doctest needs and a reader does not."""
    for block in doctree.findall(lambda node: node.tagname == "literal_block"):
        block.rawsource = block.astext().rstrip()
        block[:] = [type(block[0])(block.rawsource)]


def setup(app):
    app.connect("autodoc-process-docstring", quote_fitted_names, priority=400)  # before numpydoc
    app.connect("doctree-read", trim_code)
