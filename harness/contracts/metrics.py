"""Metrics that several tasks share, declared once: a guest that tells classes declares them by these names.

They are what :func:`harness.measures.classified` finds.
"""

from harness.contracts.cards import Identity, Metric

EMBEDDING = frozenset({"scale"})
DECILES = tuple(f"f1_decile_{number}" for number in range(1, 11))
"""Mean F1 of the classes in each tenth of the classes, from the rarest to the most frequent ones."""

CLASSIFICATION_METRICS = (
    Metric(name="micro_f1", units="weighted", invariant=EMBEDDING),
    Metric(name="macro_f1", invariant=EMBEDDING),
    Metric(name="balanced_accuracy", invariant=EMBEDDING),
    Metric(name="in_distribution_micro_f1", invariant=EMBEDDING),
    Metric(name="micro_f1_gap", direction="down", lower=-1.0, invariant=EMBEDDING),
    *(Metric(name=name, invariant=EMBEDDING) for name in DECILES),
    Metric(name="expected_calibration_error", direction="down"),
    Metric(name="brier_score", direction="down", upper=2.0, units="weighted"),
    Metric(name="log_loss", direction="down", upper=None, units="weighted"),
)
"""F1 over cells and classes, by tenth of the classes, on familiar ground beside it, and calibration."""

CLASSIFICATION_IDENTITIES = (
    Identity(says="micro_f1_gap == in_distribution_micro_f1 - micro_f1"),
    Identity(says=f"macro_f1 >= min({', '.join(DECILES)})"),
    Identity(says=f"macro_f1 <= max({', '.join(DECILES)})"),
)

PROBES = ("knn", "ridge", "logistic", "mlp")
"""What :func:`harness.measures.probe_predictions` can read off a frozen embedding."""
