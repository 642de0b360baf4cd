"""The order of the gallery: that of the course, then what a practitioner does with it."""

ORDER = [
    "plot_quick_start.py",
    "plot_sigmoid.py",
    "plot_loss.py",
    "plot_gradient_descent.py",
    "plot_derivatives.py",
    "plot_vectorisation.py",
    "plot_cat_recogniser.py",
    "plot_optimisers.py",
    "plot_train_dev_test.py",
    "plot_ad_clicks.py",
    "plot_spam.py",
    "plot_scale.py",
    "plot_house_prices.py",
    "plot_pruning.py",
]


class CourseOrder:
    """A sort key of sphinx-gallery, for names of files."""

    def __init__(self, folder):
        pass

    def __call__(self, name):
        return ORDER.index(name) if name in ORDER else len(ORDER)
