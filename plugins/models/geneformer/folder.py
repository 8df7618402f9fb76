"""Weights in folders: our own, and published ones. Nothing is downloaded, no pickle runs code."""

import json
import math
import pickle
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from transformers import BertForMaskedLM
from transformers.utils import logging

from harness.training import Inputs, seeded

from .tokens import MASK, PAD, Vocabulary

EXPECTED = (
    "expected are config.json and model.safetensors, as save_pretrained writes them, one token_dictionary "
    "and one gene_median_dictionary, each .json or .pkl"
)

PLAIN = {("numpy", "dtype"), ("numpy.core.multiarray", "scalar"), ("numpy._core.multiarray", "scalar")}
"""All that a pickled dictionary may name: numpy's numbers. Strings and Python's numbers need no name."""


def write(network, vocabulary, folder):
    """Write a network and its vocabulary."""
    with _quiet():
        network.save_pretrained(folder)
    np.savez(
        folder / "vocabulary.npz",
        of_gene=vocabulary.inputs.of_gene,
        tokens=vocabulary.tokens,
        medians=vocabulary.medians,
        ends=np.array(vocabulary.ends, dtype=np.int64),
    )


def read(folder):
    """Return the network and the vocabulary that :func:`write` wrote."""
    with np.load(folder / "vocabulary.npz", allow_pickle=False) as stored:
        inputs, ends = Inputs(stored["of_gene"]), tuple(map(int, stored["ends"]))
        vocabulary = Vocabulary(inputs, stored["tokens"], stored["medians"], ends)
    return read_network(folder), vocabulary


def read_network(folder):
    """Return the masked language model in a folder that ``save_pretrained`` wrote.

    Raises
    ------
    ValueError
        A file is missing, the network is no BERT, or the weights are not those of a masked language model.
    """
    for name in ("config.json", "model.safetensors"):
        if not (folder / name).is_file():
            raise ValueError(f'the folder "{folder.name}" has no {name}; {EXPECTED}')
    kind = _read_json(folder / "config.json").get("model_type")
    if kind != "bert":
        raise ValueError(f'config.json in "{folder.name}" is of a model of type "{kind}"; expected is "bert"')
    try:
        with _quiet(), seeded(0):
            loaded: Any = BertForMaskedLM.from_pretrained(
                folder,
                local_files_only=True,
                use_safetensors=True,
                output_loading_info=True,
                dtype=torch.float32,
                attn_implementation="sdpa",
            )
    except Exception as error:
        raise ValueError(f'the weights in "{folder.name}" cannot be read: {error}') from error
    network, found = loaded
    if missing := found["missing_keys"]:
        raise ValueError(
            f'model.safetensors in "{folder.name}" lacks {min(missing)} and perhaps more; '
            "expected are the weights of a BertForMaskedLM"
        )
    return network


def read_published(folder):
    """Return network, genes (Ensembl ids) and vocabulary of a folder of published weights.

    Raises
    ------
    ValueError
        A file is missing or is not what it should be; the sentence says which and what was expected.
    """
    network = read_network(folder)
    tokens = _read_dictionary(folder, "token_dictionary")
    medians = _read_dictionary(folder, "gene_median_dictionary")
    ends = _check_tokens(tokens, network.config.vocab_size, folder.name)
    genes = sorted((gene for gene in tokens if medians.get(gene, 0) > 0), key=tokens.__getitem__)
    if not genes:
        raise ValueError(f'no gene of the token dictionary in "{folder.name}" has a median above 0')
    vocabulary = Vocabulary(
        Inputs(np.arange(len(genes))),
        np.array([tokens[gene] for gene in genes], dtype=np.int64),
        np.array([medians[gene] for gene in genes]),
        ends,
    )
    return network, genes, vocabulary


def _check_tokens(tokens, size, where):
    """Complain about a dictionary that is not this network's; return the tokens at the ends, if any."""
    if (tokens.get("<pad>"), tokens.get("<mask>")) != (PAD, MASK):
        raise ValueError(
            f'the token dictionary in "{where}" gives <pad> and <mask> the tokens {tokens.get("<pad>")} and '
            f"{tokens.get('<mask>')}; expected are {PAD} and {MASK}"
        )
    if sorted(tokens.values()) != list(range(size)):
        raise ValueError(
            f'the token dictionary in "{where}" has {len(tokens)} tokens up to {max(tokens.values()):g}; the '
            f"network has {size}, and each of 0 to {size - 1} is expected once"
        )
    ends = tuple(int(tokens[name]) for name in ("<cls>", "<eos>") if name in tokens)
    if len(ends) == 1:
        raise ValueError(f'the token dictionary in "{where}" has one of <cls> and <eos>; both or none can be')
    return ends


def _read_dictionary(folder, name):
    """Return gene -> number from the one file of this name, whatever follows it, preferably JSON."""
    found = sorted(folder.glob(f"{name}*.json")) or sorted(folder.glob(f"{name}*.pkl"))
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "no file"
        raise ValueError(f'for {name} the folder "{folder.name}" has {names}; {EXPECTED}')
    path = found[0]
    read = _read_json(path) if path.suffix == ".json" else _read_pickle(path)
    if not read or not all(isinstance(gene, str) and _is_number(value) for gene, value in read.items()):
        raise ValueError(f'"{path.name}" in "{folder.name}" is no mapping of gene names to numbers')
    return {gene: float(value) for gene, value in read.items()}


def _is_number(value):
    plain = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    return plain and math.isfinite(value)


def _read_json(path):
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f'"{path.name}" in "{path.parent.name}" is not JSON: {error}') from error
    if not isinstance(found, dict):
        raise ValueError(f'"{path.name}" in "{path.parent.name}" is no mapping but a {type(found).__name__}')
    return found


class _Plain(pickle.Unpickler):
    """Reads strings, numbers and containers of them; a pickle that names anything else is refused."""

    def find_class(self, module, name):
        """Return what a pickle names, if it is one of numpy's numbers."""
        if (module, name) not in PLAIN:
            raise pickle.UnpicklingError(f"it names {module}.{name}, and only plain numbers are read")
        return super().find_class(module, name)


def _read_pickle(path):
    try:
        with path.open("rb") as file:
            found = _Plain(file).load()
    except Exception as error:  # a damaged pickle can raise anything
        raise ValueError(
            f'"{path.name}" in "{path.parent.name}" cannot be read: {error}; the same mapping as JSON is '
            "accepted too"
        ) from error
    if type(found) is not dict:
        raise ValueError(f'"{path.name}" in "{path.parent.name}" is no mapping but a {type(found).__name__}')
    return found


@contextmanager
def _quiet():
    """Keep transformers from reporting its progress, and leave its settings as they were."""
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
