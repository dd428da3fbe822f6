"""A trained run as the folder of a Hugging Face model repository: weights, settings, a model card."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors.torch import save
from torch import nn

from distaff.atomic import write
from distaff.errors import DistaffError
from distaff.plugins.registry import METHODS
from distaff.store.command import command
from distaff.store.records import run_record
from distaff.trained import Model
from distaff.untrusted.markup import code_block, code_span, markdown, yaml

CARD = """---
library_name: pytorch
tags:
- disentanglement
- representation-learning
- vae
datasets:
- {listed_dataset}
---
# {method} on {dataset}, seed {seed}

{summary} Trained with [distaff](https://pypi.org/project/distaff/): {updates:,} updates of {batch} images of
{height} x {width} x {channels}, network {network}. Paper: {paper}

## Use

The weights need PyTorch and safetensors only:

{code}

Images are float32 [b, {channels}, {height}, {width}] in [0, 1]. `decode` gives raw numbers; {picture}.

## Made by

{command}

Representations of unsupervised models differ from seed to seed: one model says little of its method.
"""


def to_huggingface(model: Model, out: Path) -> list[Path]:
    """Write model.safetensors, config.json and README.md (the model card) to the folder `out`."""
    contents = {
        "model.safetensors": save(dict(model.modules().state_dict()), {"format": "pt", "run": model.run.id}),
        "config.json": f"{json.dumps(run_record(model.run), indent=2)}\n".encode(),
        "README.md": card(model).encode(),
    }
    return [write(out / name, content) for name, content in contents.items()]


def card(model: Model) -> str:
    """The model card: what the model is, how to load it without distaff, how it was made."""
    run, (height, width, channels) = model.run, model.dataset.shape
    plugin = METHODS.plugin(run.method.name)
    summary = plugin.summary.split(":  ")[0].rstrip(".") + "."
    sigmoid = not model.network.likelihood.endswith("tanh")
    return CARD.format(
        listed_dataset=yaml(str(run.dataset)), dataset=markdown(str(run.dataset)), method=markdown(str(run.method)),
        seed=run.seed, updates=run.updates, batch=run.batch, network=code_span(str(run.network)), height=height,
        width=width, channels=channels, summary=markdown(summary), paper=markdown(str(plugin.marks["paper"])),
        code=code_block(code(model), "python"), command=code_block(command(run)),
        picture="their sigmoid is the image" if sigmoid else "the image is (tanh + 1) / 2 of them",
    )  # fmt: skip


def code(model: Model) -> str:
    """Python that loads the weights into ordinary modules, for readers without distaff.

    Raises `DistaffError` for a network that is not a sequence of torch's own layers, which three lines cannot hold.
    """
    vae = model.modules()
    lines = ["from safetensors.torch import load_file", "from torch import nn", ""]
    for name, part in (("encode", vae.encoder), ("decode", vae.decoder)):
        layers = list(part) if isinstance(part, nn.Sequential) else [part]
        foreign = [type(layer).__name__ for layer in layers if not _from_torch(layer)]
        if foreign:
            raise DistaffError(
                f"{model.run.network} has layers of its own ({foreign[0]}), which a model card cannot write down: "
                "--to onnx takes any network"
            )
        lines.append(f"{name} = nn.Sequential({', '.join(map(_written, layers))})")
    lines += ["", 'weights = load_file("model.safetensors")']
    for name, prefix in (("encode", "encoder."), ("decode", "decoder.")):
        selected = f'{{k.removeprefix("{prefix}"): w for k, w in weights.items() if k.startswith("{prefix}")}}'
        lines.append(f"{name}.load_state_dict({selected})")
    return "\n".join([*lines, "", "# mean, logvar = encode(x).chunk(2, dim=1)"])


def _from_torch(layer: nn.Module) -> bool:
    """Whether it is one of torch's layers, with no others inside."""
    return type(layer).__module__.startswith("torch.nn.") and not list(layer.children())


def _written(layer: nn.Module) -> str:
    """The call that makes `layer`: torch's own text for it is one."""
    if isinstance(layer, nn.Flatten):
        return f"nn.Flatten({layer.start_dim})"
    return f"nn.{layer}"
