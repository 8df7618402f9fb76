"""Reading the folder that scvi-tools writes, without running anything that stands in it."""

import pickle
import zipfile
from typing import Any

import torch
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

FILE = "model.pt"
PLAIN = (bool, int, float, str, type(None))


def read_published(folder):
    """Read the file that ``SCVI.save(folder)`` writes.

    It is a pickle with tensors, plain values, numpy arrays and pandas tables. Only tensors and plain values
    are rebuilt; every class and function that the file names beyond these is replaced by :class:`Remains`,
    which does nothing, so that a file can only fail to be understood.

    Parameters
    ----------
    folder
        As given to ``SCVI.save``.

    Returns
    -------
    genes, architecture, weights
        Gene names, in the order of the inputs; arguments of scvi-tools' module; name -> tensor.

    Raises
    ------
    ValueError
        The file is missing, is none of scvi-tools', or holds a model that cannot embed cells of which
        nothing but counts is known.
    """
    path = folder / FILE
    if not path.is_file():
        found = ", ".join(sorted(entry.name for entry in folder.glob("*"))[:8]) or "nothing"
        raise ValueError(
            f'"{folder}" holds no {FILE}, which scvi-tools 0.15 and later writes with SCVI.save(folder); it '
            f"holds {found}. Folders of older versions are converted by SCVI.convert_legacy_save"
        )
    content = _tensors_and_plain_values(path)
    try:
        told, weights = content["attr_dict"], dict(content["model_state_dict"])
        weights.pop("pyro_param_store", None)  # of models written with pyro, which scVI is not
        registry = told["registry_"]
        genes = content["var_names"].state[-1]  # the elements of an array of objects
        architecture = _settings(told["init_params_"]) | _counted(registry)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise ValueError(
            f'"{path}" is not what scvi-tools writes with SCVI.save(folder) ({type(error).__name__}: {error})'
        ) from error
    if complaint := _unusable(registry, genes, architecture):
        raise ValueError(f'the model in "{path}" {complaint}')
    return tuple(genes), architecture | {"n_input": len(genes)}, weights


class Remains:
    """What is left of an object of some class: its state, if it had one."""

    def __init__(self, *arguments):
        pass

    def __setstate__(self, state):
        self.state = state


def _emptied(*arguments):
    """Stand in for ``dict`` and ``defaultdict``, which are filled afterwards."""
    return {}


def _tensors_and_plain_values(path):
    try:
        named = get_unsafe_globals_in_checkpoint(path)
        dicts = ("builtins.dict", "collections.defaultdict")
        replaced: list[Any] = [(_emptied if name in dicts else Remains, name) for name in named]
        with safe_globals(replaced):
            return torch.load(path, weights_only=True, map_location="cpu")
    except (
        pickle.UnpicklingError,
        zipfile.BadZipFile,
        RuntimeError,
        ValueError,
        EOFError,
        TypeError,
    ) as error:
        raise ValueError(
            f'"{path}" is no file that torch reads with weights_only=True, as scvi-tools writes it '
            f"({type(error).__name__})"
        ) from error


def _settings(stored):
    """Return the arguments that the model was made with."""
    further = {name: value for group in stored["kwargs"].values() for name, value in group.items()}
    return {**stored["non_kwargs"], **further}


def _counted(registry):
    """Return the arguments that scvi-tools finds in the data and in how it was set up."""
    fields = registry["field_registries"]
    categories = fields["extra_categorical_covs"]
    counted = {
        "n_batch": fields["batch"]["summary_stats"]["n_batch"],
        "n_labels": fields["labels"]["summary_stats"]["n_labels"],
        "n_continuous_cov": fields["extra_continuous_covs"]["summary_stats"]["n_extra_continuous_covs"],
        "use_size_factor_key": registry["setup_args"].get("size_factor_key") is not None,
    }
    if categories["summary_stats"]["n_extra_categorical_covs"]:
        counted["n_cats_per_cov"] = list(categories["state_registry"]["n_cats_per_key"])
    return counted


def _unusable(registry, genes, architecture):
    """Return why a model cannot be taken over, or None."""
    if registry["model_name"] != "SCVI":
        return f"is of the class {registry['model_name']}; only SCVI is taken over"
    if not isinstance(genes, list) or not all(isinstance(gene, str) for gene in genes):
        return "names its genes in a way that is not understood: an array of texts is expected"
    if strange := sorted(name for name, value in architecture.items() if not _plain(value)):
        return f"was made with a setting that is no plain value: {', '.join(strange)}"
    if architecture.get("encode_covariates") and _knows_more_than_counts(architecture):
        return "encodes batches or covariates (encode_covariates=True), which evaluation cells do not have"
    if architecture.get("latent_distribution") == "ln":
        return 'has the latent distribution "ln", whose mean is only known by sampling'
    return None


def _plain(value):
    if isinstance(value, dict):
        return all(isinstance(name, str) and _plain(part) for name, part in value.items())
    if isinstance(value, list | tuple):
        return all(map(_plain, value))
    return isinstance(value, PLAIN)


def _knows_more_than_counts(architecture):
    one_batch = architecture["n_batch"] == 1
    return not one_batch or architecture["n_continuous_cov"] or architecture.get("n_cats_per_cov")
