"""The parts of `evidence_dsprites.py`: what fits into minutes of a GPU, training, scoring, what is kept, its page."""
