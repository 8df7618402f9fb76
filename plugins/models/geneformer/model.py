"""The network, how it is trained on ranked genes, and how it is asked."""

import math
from copy import deepcopy

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from transformers import BertConfig, BertForMaskedLM, BertModel

from harness import Model
from harness.measures import most_variable
from harness.training import Inputs, classify, encode, fine_tune, seeded, train

from .folder import read, read_published, write
from .tokens import MASK, PAD, Vocabulary

NO_LABEL = -100
"""What cross entropy passes over."""


def configuration(n_tokens, width, layers, heads, max_tokens):
    """Return the published architecture: feed-forward part twice as wide, ReLU, dropout 0.02, tied head.

    With the published dictionary of 25,426 tokens and width 256 it has 10,288,722 parameters.
    """
    return BertConfig(
        vocab_size=n_tokens,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=2 * width,
        hidden_act="relu",
        hidden_dropout_prob=0.02,
        attention_probs_dropout_prob=0.02,
        max_position_embeddings=max_tokens,
        pad_token_id=PAD,
    )


def visible(tokens):
    """Return which tokens are attended to (cells x 1 x 1 x tokens): all but padding.

    The first always is, or a cell without any would have nothing to attend to. The four axes are what the
    attention itself takes; given two, the library would look whether there is padding at all, and the host
    would wait for the device.
    """
    mask = tokens != PAD
    mask[:, 0] = True
    return mask[:, None, None, :]


class MeanState(nn.Module):
    """The cell embedding: the mean state of a cell's genes in the layer before the last.

    Padding and the tokens at the ends are not averaged over. A cell without genes gets zeros. Cells are
    taken in order of length and few enough at a time for ``budget`` tokens, so that there is little padding.
    """

    def __init__(self, network, ends, budget):
        super().__init__()
        self.trunk = _without_last_layer(network.bert)
        self.ends = ends
        self.budget = budget

    def forward(self, tokens):
        """Return (cells x width)."""
        lengths, order = (tokens != PAD).sum(dim=1).sort(descending=True, stable=True)
        found = torch.empty(len(tokens), self.trunk.config.hidden_size, device=tokens.device)
        start, longest = 0, lengths.clamp(min=1).tolist()
        while start < len(tokens):
            rows = order[start : start + max(1, self.budget // longest[start])]
            found[rows] = self._means(tokens[rows, : longest[start]]).float()
            start += len(rows)
        return found

    def _means(self, tokens):
        states = self.trunk(tokens, attention_mask=visible(tokens)).last_hidden_state
        genes = tokens != PAD
        for token in self.ends:
            genes &= tokens != token
        total = (states * genes[..., None]).sum(dim=1)
        return total / genes.sum(dim=1, keepdim=True).clamp(min=1)


def _without_last_layer(bert):
    """Return a network that shares the layers of this one but for the last."""
    config = deepcopy(bert.config)
    config.num_hidden_layers -= 1
    with torch.device("meta"):
        trunk = BertModel(config, add_pooling_layer=False)
    trunk.embeddings, trunk.encoder.layer = bert.embeddings, bert.encoder.layer[:-1]
    return trunk


class Geneformer(Model):
    """Restores hidden genes among a cell's genes in order of expression (Theodoris et al. 2023).

    Fitted, counts are divided by the medians of the sample, and a gene that no cell of the sample expresses
    has no token. The untrained control has no sample: its medians are all 1. With ``n_genes``, only so many
    of the sample's most variable genes have tokens, for toy sizes; in the control every gene then feeds one
    of as many.

    In the founding study the learning rate rose for 10,000 steps of 144 cells, whatever the sample
    (DenAdel et al. 2026, doi:10.1038/s41592-026-03120-y); here it does for a share of the budget,
    ``warm_up``, so that small budgets reach it too, and falls linearly after that. There weights decayed
    except in layer norms and biases, here all do. There counts were divided by one published table of
    medians whatever the sample, so that its ranks did not depend on it.
    """

    def initialise(self, genes, run):
        """Build the network with random weights."""
        super().initialise(genes, run)
        inputs = Inputs.dealt(len(genes), self.parameters["n_genes"], run.seed)
        self.vocabulary = Vocabulary.untrained(inputs)
        shape = {name: self.parameters[name] for name in ("width", "layers", "heads", "max_tokens")}
        with seeded(run.seed):
            self.network = BertForMaskedLM(configuration(self.vocabulary.size, **shape))

    def fit(self, cells, run):
        """Take medians from the sample, then train on it; return the history."""
        inputs = self.vocabulary.inputs
        if inputs.width < len(self.genes):
            inputs = Inputs.chosen(len(self.genes), most_variable(cells, inputs.width))
        self.vocabulary = Vocabulary.untrained(inputs).seen_in(cells)
        chosen = ("batch_size", "learning_rate", "weight_decay", "warm_up")
        return train(
            self.network,
            self._loss,
            cells,
            run,
            prepare=self._tokens,
            schedule="linear",
            **{name: self.parameters[name] for name in chosen},
        )

    def _tokens(self, counts):
        """Return ranked tokens (cells x length of the longest)."""
        return self.vocabulary(counts, self.network.config.max_position_embeddings)

    def _loss(self, network, tokens):
        """Return the cross entropy of the hidden genes and their number.

        Of the hidden, 80 % show the mask token, 10 % another gene and 10 % themselves (Devlin et al. 2019,
        arXiv:1810.04805). The head, most of the work, is asked at the hidden places alone.
        """
        rate = self.parameters["mask_rate"]
        chance, what = torch.rand(2, *tokens.shape, device=tokens.device)
        hidden = (chance < rate) & (tokens != PAD)
        others = torch.randint_like(tokens, MASK + 1, self.vocabulary.size)
        shown = torch.where(hidden & (what < 0.8), MASK, tokens)
        shown = torch.where(hidden & (what >= 0.9), others, shown)
        states = network.bert(shown, attention_mask=visible(tokens)).last_hidden_state
        places = _places(chance.masked_fill(~hidden, 2.0), rate)
        labels = torch.where(hidden, tokens, NO_LABEL).flatten()[places]
        logits = network.cls(states.flatten(0, 1)[places]).float()
        total = cross_entropy(logits, labels, ignore_index=NO_LABEL, reduction="sum")
        return total, (labels != NO_LABEL).sum().clamp(min=1)

    def embed(self, cells, run):
        """Return the mean state of the genes in the layer before the last (cells x width)."""
        return encode(self._encoder(), cells, run, prepare=self._tokens)

    def _encoder(self):
        return MeanState(self.network, self.vocabulary.ends, self.parameters["batch_tokens"])

    def fine_tune(self, cells, run):
        """Train all layers but the last, which embeds nothing, with a linear head on labelled cells."""
        options = {name: self.parameters[name] for name in ("batch_size", "learning_rate", "weight_decay")}
        self.classifier, history = fine_tune(self._encoder(), cells, run, prepare=self._tokens, **options)
        return history

    def classify(self, cells, run):
        """Return the chances of the classes, sorted by name (cells x classes)."""
        return classify(self.classifier, cells, run, prepare=self._tokens)

    def save(self, folder):
        """Write the network as transformers does, and the vocabulary."""
        write(self.network, self.vocabulary, folder)

    def load(self, folder, genes):
        """Read what :meth:`save` wrote; sizes are those of the network saved."""
        self.genes = genes
        self.network, self.vocabulary = read(folder)

    def load_published(self, folder, run):
        """Take over weights, tokens and medians of a folder, and the Ensembl ids of its dictionary."""
        self.network, self.genes, self.vocabulary = read_published(folder)


def _places(scores, rate):
    """Return places of all hidden tokens and a few more, whose number depends on the shape alone.

    The device would have to be waited for to learn how many are hidden: it is more than six standard
    deviations above the mean in one of a billion batches.
    """
    n = scores.numel()
    most = min(n, math.ceil(rate * n + 6 * math.sqrt(rate * (1 - rate) * n)) + 1)
    return scores.flatten().topk(most, largest=False).indices
