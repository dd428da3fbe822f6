"""Critics: networks that classify codes, as FactorVAE's discriminator does.

A file of this folder is a critic: one function of its name, under `@network(...)`, that builds a module from codes
[b d] to logits [b 2].
"""
