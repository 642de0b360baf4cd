"""Richer pages from plain Markdown.

The pages are written so that they read well where plain Markdown is rendered, without directives or
roles. This extension of Sphinx gives the site what such pages cannot say:

- a quoted name, `GDLogisticRegression` or `sklearn.pipeline.Pipeline`, is a link to its reference,
  also in a call, `Adam(beta1=0.9)`, and in a docstring;
- a link to a file of the package leads to that file's page of source code, to the line of the
  object that the link's text names; a link to a script of the gallery leads to its page;
- a number and its unit or per cent sign stay on one line, and so do "L-BFGS", 1e-3, 100 000, and
  a formula in a sentence with the punctuation around it;
- an image ``x.png`` beside which ``x-dark.png`` lies is shown in the variant of the colour mode.
"""

import inspect
import re
from importlib import import_module
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.pycode import ModuleAnalyzer
from sphinx.transforms import SphinxTransform
from sphinx.util.logging import getLogger
from sphinx.util.nodes import make_refnode

import sklearn_gd_logreg

LOGGER = getLogger(__name__)

ROOT = Path(__file__).parents[2]
PACKAGE = "sklearn_gd_logreg"
CALL = re.compile(r"(?P<name>[^\W\d]\w*(\.[^\W\d]\w*)*)(\([^()]*\))?")
"""A name, or a call of it."""

SPACE = re.compile(r"(?<=\d) (?=%|(?:ms|s|MB|GB|\d{3})\b)| (?=:=)")
"""The space between a number and its unit, in a number, and before the sign of an update."""

WORD = re.compile(r"(L-BFGS|\d+e-\d+|\d{4}-\d\d-\d\d)")
"""What a browser would break after its hyphen."""

OPENING = re.compile(r"[(\[]+$")
PUNCTUATION = re.compile(r"[.,;:!?)\]]+")

LINKS = nodes.reference, addnodes.pending_xref, addnodes.download_reference
PAGES = {"CHANGELOG.md": "changelog", "CONTRIBUTING.md": "contributing"}


class LinkFiles(SphinxTransform):
    """Links to files of the repository, which would be downloads, become links to pages."""

    default_priority = 400

    def apply(self):
        for node in list(self.document.findall(addnodes.download_reference)):
            place = Path(self.env.srcdir, self.env.docname).parent / node["reftarget"].lstrip("/")
            path = place.resolve().relative_to(ROOT).as_posix()
            if path.startswith("docs/"):
                continue  # a file to download
            if path in PAGES:
                target, kind = PAGES[path], "doc"
            elif path.startswith("examples/plot_"):
                target, kind = "auto_examples/" + Path(path).stem, "doc"
            elif path.startswith(PACKAGE + "/"):
                target, kind = path, "source"
            else:
                LOGGER.warning("no page of the site for the link to %s", path, location=node)
                continue
            reference = addnodes.pending_xref(
                "",
                *node.children,
                refdomain="std" if kind == "doc" else "",
                reftype=kind,
                reftarget="/" + target if kind == "doc" else target,
                refdoc=self.env.docname,
                refexplicit=True,
                refwarn=True,
            )
            node.replace_self(reference)


class ThemeImages(SphinxTransform):
    """An image that has a dark variant is two, of which the theme shows one."""

    default_priority = 400

    def apply(self):
        for node in list(self.document.findall(nodes.image)):
            path = Path(node["uri"])
            dark = path.with_name(f"{path.stem}-dark{path.suffix}")
            if Path(self.env.relfn2path(dark.as_posix())[1]).is_file():
                other = node.deepcopy()
                other["uri"] = dark.as_posix()
                other["classes"].append("only-dark")
                node["classes"].append("only-light")
                node.parent.insert(node.parent.index(node) + 1, other)


class KeepWords(SphinxTransform):
    """A number and its unit stay on one line, and so does a word with a hyphen."""

    default_priority = 400

    def apply(self):
        for text in list(self.document.findall(nodes.Text)):
            if isinstance(text.parent, nodes.FixedTextElement | nodes.literal | nodes.math):
                continue
            parts = WORD.split(SPACE.sub("\N{NO-BREAK SPACE}", text))
            new = [nodes.Text(part) for part in parts]
            new[1::2] = [nodes.inline("", part, classes=["nowrap"]) for part in parts[1::2]]
            text.parent.replace(text, new)


class KeepPunctuation(SphinxTransform):
    """A formula in a sentence and the punctuation around it stay on one line."""

    default_priority = 400

    def apply(self):
        for formula in list(self.document.findall(nodes.math)):
            parent, place = formula.parent, formula.parent.index(formula)
            before = parent[place - 1] if place else None
            after = parent[place + 1] if place + 1 < len(parent) else None
            opening = isinstance(before, nodes.Text) and OPENING.search(before)
            closing = isinstance(after, nodes.Text) and PUNCTUATION.match(after)
            if not (opening or closing):
                continue
            together = nodes.inline("", "", classes=["nowrap"])
            parent[place] = together
            if opening:  # by place: `replace` would take the first text that is equal
                parent[place - 1] = nodes.Text(before[: opening.start()])
                together += nodes.Text(opening.group())
            together += formula
            if closing:
                parent[place + 1] = nodes.Text(after[closing.end() :])
                together += nodes.Text(closing.group())


class LinkNames(SphinxTransform):
    """A quoted name becomes a reference; it stays plain text where no page describes it."""

    default_priority = 400

    def apply(self):
        if self.env.docname.startswith("api/"):
            return  # docstrings say themselves what they refer to
        for node in list(self.document.findall(nodes.literal)):
            call = CALL.fullmatch(node.astext())
            if call is None:
                continue
            name = call["name"]
            if any(isinstance(parent, LINKS) for parent in (node.parent, node.parent.parent)):
                continue
            if not (name[0].isupper() or "." in name or is_function(name, self.config)):
                continue  # an argument or an attribute
            reference = addnodes.pending_xref(
                "",
                node.deepcopy(),
                refdomain="py",
                reftype="obj",
                reftarget=self.config.foreign_names.get(name, name),
                refspecific=name not in self.config.foreign_names,
                refdoc=self.env.docname,
                refexplicit=True,
                refwarn=False,
            )
            node.replace_self(reference)


def is_function(name, config):
    """Whether a lower-case name is that of a function or module with a page."""
    ours = inspect.isfunction(getattr(sklearn_gd_logreg, name, None))
    return ours or name in sklearn_gd_logreg.__all__ or name in config.foreign_names


def link_source(app, env, node, content):
    """Resolve a link to a file of the package: its page of source, at the object named."""
    if node["reftype"] != "source":
        return None
    anchor = content.astext().removesuffix("()")
    tags = source_tags(node["reftarget"])
    name = next((tag for tag in tags if tag == anchor or tag.endswith("." + anchor)), "")
    return make_refnode(app.builder, node["refdoc"], page_of(node["reftarget"]), name, [content])


def link_short_name(app, env, node, content):
    """Resolve the name of a class or function that a docstring quotes without its module."""
    name = node["reftarget"]
    if node.get("refdomain") != "py":
        return None
    if name in app.config.foreign_names:
        node["reftarget"] = app.config.foreign_names[name]  # sphinx.ext.intersphinx comes next
    elif hasattr(sklearn_gd_logreg, name):
        node["refspecific"] = True
        python = env.get_domain("py")
        return python.resolve_xref(env, node["refdoc"], app.builder, "obj", name, node, content)
    return None


def page_of(path):
    return "source/" + path.removesuffix(".py")


def source_tags(path):
    module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return ModuleAnalyzer.for_file(str(ROOT / path), module).find_tags()


def source_pages(app):
    """A page for each file of the package, its lines highlighted, its objects with anchors."""
    if app.builder.format != "html":
        return
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        code = path.read_text(encoding="utf-8")
        marked = app.builder.highlighter.highlight_block(code, "python", linenos=False)
        lines = marked.splitlines()
        start = next(i for i, line in enumerate(lines) if "<pre>" in line)
        for tag, (_, first, _) in source_tags(name).items():
            lines[start + first - 1] = f'<span id="{tag}"></span>' + lines[start + first - 1]
        title = name.replace("/", "/<wbr>")  # where a long path may break
        body = f'<h1 class="source">{title}</h1>\n' + "\n".join(lines)
        yield page_of(name), {"title": name, "body": body}, "page.html"


def linkcode_resolve(domain, info):
    """The page of source of an object of the reference, for sphinx.ext.linkcode."""
    if domain != "py" or not info["module"].startswith(PACKAGE):
        return None
    value = import_module(info["module"])
    for part in info["fullname"].split("."):
        value = getattr(value, part, None)
    value = inspect.unwrap(value.fget if isinstance(value, property) else value)
    if not (inspect.isclass(value) or inspect.isfunction(value)):
        return None
    path = Path(inspect.getfile(value)).relative_to(ROOT).as_posix()
    tag = value.__qualname__
    anchor = f"#{tag}" if tag in source_tags(path) else ""
    return f"../../{page_of(path)}.html{anchor}"  # from api/generated


def setup(app):
    app.add_transform(LinkFiles)
    app.add_transform(ThemeImages)
    app.add_transform(KeepWords)
    app.add_transform(KeepPunctuation)
    app.add_transform(LinkNames)
    app.add_config_value("foreign_names", {}, "env")  # short name: full name in an inventory
    app.connect("missing-reference", link_source)
    app.connect("missing-reference", link_short_name, priority=400)
    app.connect("html-collect-pages", source_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
