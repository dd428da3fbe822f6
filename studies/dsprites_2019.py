"""dsprites_2019: the study of 2019 on its first data set, for GPUs that are there for minutes: 180 models, bf16.

dSprites x 6 methods x 6 strengths x 5 seeds of conv64, batch 64, evaluated as in unsupervised_2019.py: nine evaluations
of mean and of sampled codes, rows drawn as in 2019. Two lengths, whose runs have ids of their own:

    studies/dsprites_2019.py          100,000 updates, a third of the paper's
    studies/dsprites_2019.py:full     300,000, the paper's (FactorVAE too, as the paper says; its published models had
                                      150,000)

What is not the paper's: bfloat16 products (docs/evidence_precision.md says what they change), the lengths, and five
seeds of fifty. Annealing ends after 100,000 updates, as there: in the shorter study at its very end.

What it costs: 18 million updates of a model, at 60 us each of an H100 eighteen minutes, and 180 scorings of about two
minutes of a core. `make evidence-dsprites` trains and scores as many as fit into nine minutes, and what it has done
accumulates in evidence/dsprites/.
"""

from dataclasses import replace
from pathlib import Path

from distaff.runs import Study
from distaff.store.studies import load_study

WHOLE = load_study(Path(__file__).with_name("unsupervised_2019.py"))
SEEDS = 5


def of_length(updates: int, name: str) -> Study:
    """The runs of dSprites with so many updates in bf16, seeds innermost."""
    chosen = [run for run in WHOLE.runs if run.dataset.name == "dsprites" and run.seed < SEEDS]
    return replace(
        WHOLE,
        name=name,
        purpose=f"dSprites alone: six methods, six strengths, {SEEDS} seeds of {updates:,} updates in bf16.",
        runs=tuple(replace(run, updates=updates, precision="bf16") for run in chosen),
    )


study = of_length(100_000, "dsprites_2019")
full = of_length(300_000, "dsprites_2019_full")
