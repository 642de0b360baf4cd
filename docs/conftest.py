"""The examples of the pages run in an empty folder: some write a file."""

import pytest

collect_ignore = ["conf.py", "_ext", "_build", "auto_examples"]  # Sphinx's, without tests


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
