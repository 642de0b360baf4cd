"""Each figure of the gallery, light and dark, of which the theme shows one."""

import re

from dark_figures import darken
from matplotlib import pyplot
from sphinx_gallery.scrapers import matplotlib_scraper

PICTURE = re.compile(r"image-sg:: /(\S+)\.png")


def both(block, block_vars, gallery_conf):
    """Save the figures of a block as sphinx-gallery does, and the dark ones beside them.

    `plain_markdown.ThemeImages` puts both into the page.
    """
    figures = [pyplot.figure(number) for number in pyplot.get_fignums()]
    text = matplotlib_scraper(block, block_vars, gallery_conf)
    for figure, path in zip(figures, PICTURE.findall(text), strict=True):
        darken(figure)
        figure.savefig(f"{gallery_conf['src_dir']}/{path}-dark.png")
    return re.sub(r"\n *:srcset: .*", "", text.replace("image-sg::", "image::"))
