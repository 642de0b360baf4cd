"""Configuration of Sphinx: `make docs` builds the pages in docs/_build/html."""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

import inventories
from docutils import nodes
from plain_markdown import linkcode_resolve  # noqa: F401  sphinx.ext.linkcode looks for it here

import sklearn_gd_logreg
from sklearn_gd_logreg import computation_graph

project = "sklearn_gd_logreg"
author = "The sklearn_gd_logreg developers"
copyright = author
version = release = sklearn_gd_logreg.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "plain_markdown",
    "sphinx-mathjax-offline",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.linkcode",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "_ext", "_static", "_templates"]
templates_path = ["_templates"]
default_role = "py:obj"
smartquotes_action = "De"  # quotes stay straight: many are those of strings
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

autodoc_inherit_docstrings = False  # what a method answers is said where it is declared
toc_object_entries_show_parents = "hide"
autodoc_typehints = "none"  # the numpydoc sections hold the types
numpydoc_show_class_members = False  # the template of autosummary shows the methods

intersphinx_mapping = inventories.write(Path(__file__).parent / "_build" / "inventories")
foreign_names = inventories.SHORT_NAMES

copybutton_prompt_text = r">>> |\.\.\. |\.\.\.$|\$ "  # "..." alone ends a loop
copybutton_prompt_is_regexp = True

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/plot_",
    "ignore_pattern": r"(quickstart|__init__)\.py",
    "within_subsection_order": "gallery_order.CourseOrder",
    "image_scrapers": ("gallery_themes.both",),
    "abort_on_example_error": True,
    "remove_config_comments": True,
    "show_memory": False,
    "doc_module": ("sklearn_gd_logreg",),
    "capture_repr": ("_repr_html_",),
    "backreferences_dir": "api/backreferences",
    "reference_url": {"sklearn_gd_logreg": None},
    "plot_gallery": "True",
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
}

html_theme = "pydata_sphinx_theme"
html_title = project
html_static_path = ["_static/site"]
html_css_files = ["site.css"]
html_favicon = "_static/site/logo.svg"
html_logo = "_static/site/logo.svg"
html_copy_source = False
html_show_sphinx = False
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": project},
    "navbar_end": ["language-switch", "theme-switcher"],
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "header_links_before_dropdown": 5,
    "pygments_light_style": "tango",
    "pygments_dark_style": "github-dark",
}
WIDE = "*", "benchmark_results/*", "auto_examples/plot_*", "ko/*"
html_sidebars = {name: [] for name in WIDE}  # pages that have no list of others beside them
html_sidebars["api"] = ["sidebar-collapse", "sidebar-nav-bs"]

NAMES = [*dir(sklearn_gd_logreg), *computation_graph.__all__, *foreign_names]
CLASSES = [name for name in NAMES if name[0].isupper()]


def quote_names_in_types(app, what, name, obj, options, lines):
    """Quote classes in types, which makes links of them, and names such as n_iter_."""
    for number, line in enumerate(lines):
        if " of shape (" in line:
            line = re.sub(r"(?<=[( ])(\w+_)(?=[ ,)])", r"``\1``", line)
        name, colon, types = line.partition(" : ")
        if line in CLASSES:  # what a function returns or warns of
            line = f"`{line}`"
        elif name.isidentifier() and name not in CLASSES:  # those of "See Also" are links
            line = name + colon + re.sub(rf"\b({'|'.join(CLASSES)})\b", r"`\1`", types)
        lines[number] = line


def trim_code(app, doctree):
    """Cut the blank line at the end of a code block, which doctest needs and a reader does not."""
    for block in doctree.findall(nodes.literal_block):
        block.rawsource = block.astext().rstrip()
        block[:] = [nodes.Text(block.rawsource)]


def set_language(app, pagename, templatename, context, doctree):
    """Say which language a page is in, and where the same page is in the other."""
    korean = pagename.startswith("ko/")
    other = pagename.removeprefix("ko/") if korean else f"ko/{pagename}"
    context["language"] = "ko" if korean else "en"
    context["other_language"] = other if other in app.env.found_docs else None


def setup(app):
    app.connect("autodoc-process-docstring", quote_names_in_types, priority=400)  # before numpydoc
    app.connect("doctree-read", trim_code)
    app.connect("html-page-context", set_language)
