"""Published weights: a folder as SCimilarity writes and releases it."""

import json
from pickle import UnpicklingError

import torch

from .network import Encoder, widths_of

GENES = "gene_order.tsv"
WEIGHTS = ("encoder.safetensors", "encoder.ckpt")

UNREADABLE = (EOFError, LookupError, RuntimeError, TypeError, UnpicklingError, ValueError)
"""What readers raise over a file that is something else."""


def read_published(folder):
    """Return the genes, one per input, and the encoder that a folder holds.

    Of the files of a release, ``gene_order.tsv`` (one gene per line) and ``encoder.ckpt`` (a torch file with
    ``state_dict``) are read; the weights may be ``encoder.safetensors`` instead. The sizes of the layers are
    those of the weights, so that ``layer_sizes.json`` is not needed. ``hyperparameters.json``, where there is
    one, tells whether blocks were residual, which the weights alone do not.

    Raises
    ------
    ValueError
        A file is missing or is something else.
    """
    names = [name for name in WEIGHTS if (folder / name).is_file()]
    if not names or not (folder / GENES).is_file():
        missing = GENES if names else " or ".join(WEIGHTS)
        raise ValueError(
            f'"{folder}" has no {missing}; a folder of SCimilarity weights holds {GENES} and encoder.ckpt '
            "(or encoder.safetensors)"
        )
    genes = tuple((folder / GENES).read_text().split())
    encoder = _encoder(folder / names[0])
    _refuse_residual(folder / "hyperparameters.json")
    width = widths_of(encoder.state_dict())[0]
    if len(genes) != width:
        raise ValueError(
            f'"{folder / GENES}" names {len(genes)} genes and the weights in {names[0]} have {width} inputs; '
            "both must come from the same release"
        )
    return genes, encoder


def _encoder(path):
    state = _state(path)
    try:
        encoder = Encoder(widths_of(state))
        encoder.load_state_dict(state)
    except UNREADABLE as error:
        names = ", ".join(map(str, list(state)[:4]))
        raise ValueError(
            f'"{path}" is not an encoder of SCimilarity: expected were weights called network.0.1.weight and '
            f"so on, in blocks of linear layer, batch norm and PReLU; found was {names or 'nothing'}"
        ) from error
    return encoder


def _refuse_residual(path):
    """Refuse weights that are trained for blocks whose input is added to their output."""
    if not path.is_file():
        return
    try:
        residual = json.loads(path.read_text()).get("residual")
    except (AttributeError, ValueError) as error:
        raise ValueError(
            f'"{path}" is not a JSON object ({error}); expected were the settings that SCimilarity releases '
            "with its weights, and without the file blocks count as plain"
        ) from error
    if residual:
        raise ValueError(f'"{path}" says residual: true; encoders with residual blocks are not supported')


def _state(path):
    """Return name -> tensor; nothing but tensors is accepted."""
    read = _safetensors if path.suffix == ".safetensors" else _checkpoint
    try:
        return read(path)
    except UNREADABLE as error:
        raise ValueError(
            f'"{path}" cannot be read as weights; expected was a safetensors file, or a torch file that '
            f'loads with weights_only=True and has "state_dict" ({type(error).__name__}: {error})'
        ) from error


def _safetensors(path):
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(str(error)) from error


def _checkpoint(path):
    return dict(torch.load(path, weights_only=True, map_location="cpu")["state_dict"])
