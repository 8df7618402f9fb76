"""How a data set's cells are divided. The host owns it: no task or model draws a split of its own.

A split has two lives. :func:`choose` decides from facts alone (while planning) which recipe is possible and
otherwise says why none is; :func:`draw` turns a recipe into folds for the actual cells. A task's card names
the kind; a parameter of the task called ``split_<option>`` sets an option of the kind, and None leaves the
default. ``seed`` draws another split of the same kind. Where groups are held out, ``in_distribution: true``
sets cells of all other groups apart too, on which the same model is tested as on familiar ground.

=======================  ======================  =============================================================
kind                     options                 what is tested, having learnt from what
=======================  ======================  =============================================================
``whole``                                        nothing is divided
``random``               folds                   cells, from other cells of the same groups: for comparison
                                                 with published scores only, and marked so
``grouped``              role, folds             groups of cells, from other groups, by the coarsest role;
                                                 where none will do it becomes ``random``, unless asked for
``leave_one_group_out``  role                    one group, from all other ones, by the coarsest role
``held_out_context``     role                    perturbations in one context, from the other contexts
``few_shot``             role, shots             the same, from so many perturbations of that context too
``unseen_perturbation``  role, folds, separator  perturbations, from other perturbations
``unseen_both``          role, folds, separator  perturbations in one context, from other perturbations in
                                                 other contexts
``combinations``         role, folds,            combined perturbations, from exactly ``seen`` of their parts
                         separator, seen         alone; their other parts were never met
``held_out_dose``        folds, dose             one dose, from the perturbation's other doses: ``inner`` ones
                                                 lie between two others, the ``extreme`` is the highest
=======================  ======================  =============================================================

Where perturbations are divided, controls teach in every fold and are tested in none. The parts of a combined
perturbation ("A+B") stand between ``separator``: who may not have met A may not have met A+B. A condition
(perturbation in a context) is tested where it has at least :data:`MIN_CELLS` cells beside as many controls.
"""

from harness.splits.classes import GROUP_ROLES, MIN_GROUPS, kept_classes
from harness.splits.drawing import draw, split_digest
from harness.splits.recipes import KINDS, choose
from harness.splits.tables import MIN_CELLS, crosstab, crosstabs_of

__all__ = [
    "GROUP_ROLES",
    "KINDS",
    "MIN_CELLS",
    "MIN_GROUPS",
    "choose",
    "crosstab",
    "crosstabs_of",
    "draw",
    "kept_classes",
    "split_digest",
]
