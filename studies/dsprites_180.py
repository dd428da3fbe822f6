"""dsprites_180: a sample of unsupervised_2019.py that one GPU trains in hours: dSprites alone, five seeds of each cell.

6 methods x 6 strengths x 5 seeds = 180 runs with the ids that they have there, so that a store of this study is the
beginning of that one. What it costs: 50 million updates of a model; at 85 ms on one core 49 days of it (four days on 12
cores), at the pace of an H100 five hours, and the scoring. Five seeds show the spread of a cell, not its tails.
"""

from dataclasses import replace
from pathlib import Path

from distaff.store.studies import load_study

WHOLE = load_study(Path(__file__).with_name("unsupervised_2019.py"))

study = replace(
    WHOLE,
    name="dsprites_180",
    purpose="dSprites alone: six methods, six strengths, five seeds.",
    runs=tuple(run for run in WHOLE.runs if run.dataset.name == "dsprites" and run.seed < 5),
)
