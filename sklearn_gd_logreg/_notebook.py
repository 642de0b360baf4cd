"""The view of an object in a notebook: scikit-learn's diagram, and its parameters explained."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from html import escape
from inspect import cleandoc, getdoc, signature
from typing import Any, NamedTuple

from sklearn import get_config
from sklearn.utils import estimator_html_repr

from ._text import shown

DOCUMENTATION_URL = os.environ.get("SKLEARN_GD_LOGREG_DOCS", "").rstrip("/")
"""Address of the hosted documentation, from the environment variable SKLEARN_GD_LOGREG_DOCS.

If it is set, the diagram links to the page of a class, and scikit-learn 1.8 or later also links
every parameter to its description. Without it there are no links.
"""

PAGE_OF_CLASS = "/api/generated/sklearn_gd_logreg.{estimator_name}.html"
"""Where the documentation describes a class."""

MAX_CHARACTERS = 60
"""Characters of a value; longer ones are cut."""

STYLE = """
.gdlr { font: 13px/1.5 var(--jp-ui-font-family, system-ui, sans-serif); margin: .5em 0; }
.gdlr > div { display: flex; flex-wrap: wrap; align-items: flex-start; gap: .5em 2em; }
.gdlr figure { margin: .3em 0; }
.gdlr figure > svg { display: block; }
.gdlr figcaption svg { display: inline; }
.gdlr.gdlr table { border-collapse: collapse; table-layout: auto; margin: 0; font-size: inherit; }
.gdlr.gdlr table tbody tr { background: none; border: 0; }
.gdlr.gdlr table :is(th, td) { border: 0; padding: .05em 1em .05em 0; max-width: 46em;
  color: inherit; line-height: inherit; text-align: left; vertical-align: top; }
.gdlr.gdlr table th { font-weight: normal; opacity: .75; }
.gdlr details { margin: .15em 0; }
.gdlr.gdlr details > :not(summary) { margin: .1em 0 .3em 1.2em; }
.gdlr summary { cursor: pointer; }
.gdlr p { white-space: pre-line; max-width: 46em; }
.gdlr code { overflow-wrap: anywhere; }
"""
"""Style sheet of what follows the diagram. Text has the colour of the page, light or dark; the
doubled class outranks the table styles of JupyterLab."""


class NotebookMixin:
    """Mixin of estimators: a notebook shows scikit-learn's diagram, then `_html_below`.

    The attributes ``_doc_link_module`` and ``_doc_link_template`` are scikit-learn's, for the links
    to the documentation.
    """

    _doc_link_module = "sklearn_gd_logreg"
    _doc_link_template = DOCUMENTATION_URL + PAGE_OF_CLASS if DOCUMENTATION_URL else ""

    @property
    def _repr_html_(self) -> Callable[[], str]:
        """The HTML; absent with ``sklearn.set_config(display="text")``, as in scikit-learn."""
        if get_config()["display"] != "diagram":
            raise AttributeError("_repr_html_ needs sklearn.set_config(display='diagram')")
        return self._html

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        bundle = {"text/plain": repr(self)}
        if get_config()["display"] == "diagram":
            bundle["text/html"] = self._html()
        return bundle

    def _html(self) -> str:
        below = self._html_below()
        return f"{estimator_html_repr(self)}<style>{STYLE}</style><div class='gdlr'>{below}</div>"

    def _html_below(self) -> str:
        return explained_parameters(self)


class ParameterDoc(NamedTuple):
    """Type and description of a parameter in a docstring."""

    type_name: str
    text: str


def parameter_docs(kind: type) -> dict[str, ParameterDoc]:
    """The section "Parameters" of a numpydoc docstring, by name.

    Examples
    --------
    >>> from sklearn_gd_logreg import Momentum
    >>> parameter_docs(Momentum)["beta"].type_name
    'float, default=0.9'
    """
    _, _, section = (getdoc(kind) or "").partition("Parameters\n----------\n")
    section = re.split(r"\n\n.+\n---", section, maxsplit=1)[0]
    docs: dict[str, ParameterDoc] = {}
    for entry in re.findall(r"^\S.*(?:\n+ .*)*", section, re.MULTILINE):
        head, _, body = entry.partition("\n")
        names, _, type_name = head.partition(" : ")
        text = re.sub(r"(?<!\n)\n(?!\n|- )\s*", " ", cleandoc(f"\n{body}"))
        docs |= {name: ParameterDoc(type_name, text) for name in names.split(", ")}
    return docs


def explained_parameters(owner: Any) -> str:
    """The parameters of an object, if it has any, each with its value and, folded, its description.

    Parameters of parameters follow: those of a rule as ``solver__<name>``.
    """
    items = "".join(html_of_parameter(*parameter) for parameter in parameters_of(owner))
    if not items:
        return ""
    return f"<details><summary>Parameters explained</summary><div>{items}</div></details>"


def parameters_of(owner: Any, prefix: str = "") -> Iterator[tuple[str, Any, ParameterDoc | None]]:
    """Name, value and documentation of each parameter, in the order of the constructor."""
    values, docs = owner.get_params(deep=False), parameter_docs(type(owner))
    for name in filter(values.__contains__, signature(type(owner)).parameters):
        value = values[name]
        yield prefix + name, value, docs.get(name)
        if hasattr(value, "get_params") and not isinstance(value, type):
            yield from parameters_of(value, f"{prefix}{name}__")


def html_of_parameter(name: str, value: Any, doc: ParameterDoc | None) -> str:
    """A parameter that unfolds to its description, which is also the tooltip."""
    text = shown(value)
    cut = text if len(text) <= MAX_CHARACTERS else f"{text[: MAX_CHARACTERS - 1]}…"
    head = f"<code>{escape(name)} = {escape(cut)}</code>"
    if doc is None:
        return f"<div>{head}</div>"
    tooltip = escape(f"{doc.type_name}\n{doc.text}".replace("`", ""))
    words = re.sub(r"(`+)(.+?)\1", r"<code>\2</code>", escape(f"{doc.type_name}\n{doc.text}"))
    return f"<details><summary title='{tooltip}'>{head}</summary><p>{words}</p></details>"


def html_table(rows: list[tuple[str, str]]) -> str:
    """A table of names and values."""
    cells = (f"<tr><th scope='row'>{escape(k)}</th><td>{escape(v)}</td></tr>" for k, v in rows)
    return f"<table><tbody>{''.join(cells)}</tbody></table>"
