"""Training by scvi-tools: budgets in steps, early stopping on the host's cells, no traces left."""

import logging
import math
import random
import warnings
from contextlib import contextmanager

import numpy as np
import scvi
import torch
from anndata import AnnData
from lightning.pytorch.callbacks import LambdaCallback
from scipy.sparse import vstack
from scvi.train import TrainingPlan

from harness import History
from harness.training import MOST_VALIDATION, EarlyStopping, finite, seeded, steps_of

KL_WARM_UP = 0.5
"""Share of the steps over which the weight of the KL term rises from 0 to 1."""

LOUD = ("lightning.pytorch", "lightning.fabric", "scvi")


def sampled(cells, seed):
    """Return the counts of validation cells (CSR), at most ``MOST_VALIDATION`` of them, drawn at random."""
    order = np.random.default_rng(seed).permutation(cells.n_cells)
    return cells.rows(np.sort(order[:MOST_VALIDATION]))


def train(vae, architecture, counts, held_out, run, *, batch_size, learning_rate):
    """Train a network in place with scvi-tools' own loop, optimiser and loss.

    Three rules are the harness's, so that curves over sample sizes can be compared:

    - The budget counts optimiser steps; epochs are turned into them.
    - The KL weight rises over the first half of these steps. The library's rule, over 400 epochs, would
      make the loss itself depend on the size of the sample at a given number of steps.
    - Early stopping looks at the validation cells ten times per budget, not once per epoch, which at a given
      number of steps would be hundreds of times for a small sample and never for a large one. What it looks
      at is the library's ELBO, whose KL weight is always 1, and it keeps the best weights.

    Always in float32: the likelihood's log-gammas of counts do not bear less.

    Parameters
    ----------
    vae
        The module to start from and to give the result.
    architecture
        What it was built with.
    counts, held_out
        Raw counts (cells x inputs, CSR) to train on, and those to look at or None.
    run
        Seed, device and budget.
    batch_size
        Cells per step; a smaller sample is one batch. Cells that fill no batch at the end of an epoch are
        left out: few of them would spoil what batch norm has learnt. A single cell counts twice.
    learning_rate
        Of Adam, with the library's other settings.
    """
    counts = vstack([counts, counts], format="csr") if counts.shape[0] == 1 else counts
    steps = steps_of(run.budget, max(1, counts.shape[0] // batch_size))
    with _contained(run):
        cells = AnnData(counts)
        scvi.model.SCVI.setup_anndata(cells)
        counted = ("n_input", "n_batch", "n_labels")
        model = scvi.model.SCVI(cells, **{k: v for k, v in architecture.items() if k not in counted})
        model.module.load_state_dict(vae.state_dict())
        model._training_plan_cls = Plan
        watch = Watch(model, run, steps, held_out)
        try:
            model.train(
                max_epochs=-1,
                max_steps=steps,
                train_size=1.0,
                shuffle_set_split=False,
                batch_size=batch_size,
                datasplitter_kwargs={"drop_last": counts.shape[0] > batch_size},
                plan_kwargs={
                    "lr": learning_rate,
                    "n_epochs_kl_warmup": None,
                    "n_steps_kl_warmup": math.ceil(KL_WARM_UP * steps),
                },
                accelerator="gpu" if run.device == "cuda" else "cpu",
                devices=1,
                callbacks=[LambdaCallback(on_train_batch_end=watch.after_batch)],
                benchmark=None,
                logger=False,
                enable_progress_bar=False,
                default_root_dir=run.scratch,
            )
        finally:
            model.deregister_manager(cells)  # else the library keeps the sample as long as the process lives
    watch.stopping.restore(model.module)
    vae.load_state_dict(model.module.state_dict())
    return watch.history(counts.shape[0])


@contextmanager
def _contained(run):
    """Seed all that scvi-tools and Lightning draw from, as Lightning's seed_everything, and silence both.

    Afterwards everything is as it was before.
    """
    of_python, of_numpy = random.getstate(), np.random.get_state()
    levels = {name: logging.getLogger(name).level for name in LOUD}
    try:
        with seeded(run.seed, run.device), warnings.catch_warnings(action="ignore"):
            random.setstate(random.Random(run.seed).getstate())
            np.random.set_state(np.random.RandomState(run.seed).get_state())
            for name in LOUD:
                logging.getLogger(name).setLevel(logging.ERROR)
            yield
    finally:
        random.setstate(of_python)
        np.random.set_state(of_numpy)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


class Plan(TrainingPlan):  # type: ignore[misc]
    """The library's training step without its log, which takes a fifth of the time of small steps."""

    def log(self, *args, **kwargs):
        """Log nothing."""

    def compute_and_log_metrics(self, *args, **kwargs):
        """Compute nothing beside the loss."""


class Watch:
    """Reports progress, keeps the best weights, stops when patience has run out."""

    def __init__(self, model, run, steps, held_out):
        self.model, self.run, self.held_out = model, run, held_out
        self.stopping = EarlyStopping(steps)
        self.step, self.seen, self.recent, self.train_loss = 0, 0, [], []

    def after_batch(self, trainer, plan, outputs, batch, batch_idx):
        """Look at the losses where it is time to; between looks nothing is read from the device."""
        self.step = trainer.global_step
        self.seen += len(batch[scvi.REGISTRY_KEYS.X_KEY])
        self.recent.append(outputs["loss"])
        if not self.stopping.due(self.step):
            return
        self.train_loss.append(finite(float(torch.stack(self.recent).mean()), self.step))
        self.recent.clear()
        self.run.progress(self.step, self.stopping.steps, f"loss {self.train_loss[-1]:.4g}")
        if self.held_out is not None:
            trainer.should_stop = self._look(plan.module)

    def _look(self, vae):
        """Remember the weights where they are the best; return whether patience has run out."""
        vae.eval()
        with seeded(self.run.seed, self.run.device):
            loss = float(-self.model.get_elbo(dataloader=_batches(self.held_out)))
        vae.train()
        return self.stopping.look(vae, self.step, loss)

    def history(self, n_cells):
        """Return what the training consisted of; losses are per cell, in nats."""
        return History(
            steps=self.step,
            epochs=self.seen / n_cells,
            cells_seen=self.seen,
            best_step=self.stopping.best_step or self.step,
            train_loss=tuple(self.train_loss),
            validation_loss=tuple(self.stopping.losses),
        )


def _batches(counts, size=1024):
    """Yield batches as scvi-tools has them, all cells of one batch and one label."""
    for start in range(0, counts.shape[0], size):
        values = torch.from_numpy(counts[start : start + size].toarray())
        none = torch.zeros(len(values), 1)
        keys = scvi.REGISTRY_KEYS
        yield {keys.X_KEY: values, keys.BATCH_KEY: none, keys.LABELS_KEY: none}
