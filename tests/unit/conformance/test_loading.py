"""Light imports, measured in processes that know nothing of this one."""

import pytest

from harness import ModelCard
from harness.conformance import examine
from harness.conformance.loading import check_light_import, fresh
from harness.errors import ContractBroken

CARD_MODULE = """
{imports}
from harness import ModelCard, hookimpl

@hookimpl
def harness_models():
    return [ModelCard(name="{name}", version="1", entry="{name}_card:Model")]
"""


def offered(folder, name, imports):
    """Write a package with one entry point into a folder and return its card."""
    (folder / f"{name}_card.py").write_text(CARD_MODULE.format(name=name, imports=imports))
    meta = folder / f"{name}-1.dist-info"
    meta.mkdir()
    (meta / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    (meta / "entry_points.txt").write_text(f"[harness]\nmodel.{name} = {name}_card\n")
    return ModelCard(name=name, version="1", entry=f"{name}_card:Model")


def test_a_light_card_passes(tmp_path, monkeypatch):
    """A card's module that imports only the harness is light."""
    monkeypatch.syspath_prepend(str(tmp_path))
    check_light_import(offered(tmp_path, "feather", "import json"))


def test_a_heavy_card_is_named(tmp_path, monkeypatch):
    """A card's module that imports pandas slows down every command, and is told so."""
    monkeypatch.syspath_prepend(str(tmp_path))
    finding = examine(check_light_import, offered(tmp_path, "anvil", "import pandas"), "model")
    assert not finding.passed
    assert 'importing "anvil_card", which offers the card anvil, also imports pandas' in finding.message


def test_a_card_that_nobody_offers_does_not_apply():
    """A card from nowhere has no module to be judged by."""
    card = ModelCard(name="nowhere", version="1", entry="nowhere:Model")
    assert examine(check_light_import, card, "model").message == (
        "does not apply: no installed entry point offers this card"
    )


def test_a_fresh_process_that_fails_says_why():
    """The last line of its complaint is passed on."""
    with pytest.raises(
        ContractBroken, match="ended with code 1 and said: ZeroDivisionError: division by zero"
    ):
        fresh("1 / 0")
