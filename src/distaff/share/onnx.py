"""A trained run as two ONNX files, checked against the modules that they were made from."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor, nn

from distaff.atomic import write
from distaff.errors import DistaffError
from distaff.networks import VAE
from distaff.trained import Model

TOLERANCE = 1e-4  # of outputs of a few units, between two libraries in float32


def to_onnx(model: Model, out: Path) -> list[Path]:
    """Write encoder.onnx (x [b c h w] -> mean, logvar) and decoder.onnx (z [b d] -> image [b c h w] in [0, 1]).

    Both take batches of any size. Raises `DistaffError` where the libraries are missing, or if onnxruntime's outputs
    differ from PyTorch's by more than 1e-4.
    """
    try:
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise DistaffError(f"ONNX files need {error.name}: pip install 'distaff[onnx]'") from error
    vae, (height, width, channels) = model.modules(), model.dataset.shape
    generator = torch.Generator().manual_seed(0)
    return [
        _write(_Encode(vae), torch.rand(3, channels, height, width, generator=generator), "x",
               ["mean", "logvar"], out / "encoder.onnx"),
        _write(_Decode(vae), torch.randn(3, model.latents, generator=generator), "z", ["image"], out / "decoder.onnx"),
    ]  # fmt: skip


class _Encode(nn.Module):
    def __init__(self, vae: VAE) -> None:
        super().__init__()
        self.vae = vae

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.vae.encode(x)


class _Decode(nn.Module):
    def __init__(self, vae: VAE) -> None:
        super().__init__()
        self.vae = vae

    def forward(self, z: Tensor) -> Tensor:
        return self.vae.picture(z)


def _write(module: nn.Module, example: Tensor, name: str, outputs: list[str], path: Path) -> Path:
    """Export aside, and bring the file to its place once it is checked."""
    batch = torch.export.Dim("batch")
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with TemporaryDirectory(prefix="distaff-onnx-") as folder:  # the exporter writes files of its own into it
        aside = Path(folder) / path.name
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            torch.onnx.export(
                module.eval(), (example,), str(aside), input_names=[name], output_names=outputs, dynamo=True,
                dynamic_shapes=({0: batch},), external_data=False, verbose=False,
            )  # fmt: skip
        _check(module, example, name, aside)
        return write(path, aside.read_bytes())


def _check(module: nn.Module, example: Tensor, name: str, path: Path) -> None:
    """Run the file on a batch of another size than it was made with; raises `DistaffError` where outputs differ."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    two = example[:2].contiguous()
    with torch.no_grad():
        expected = module(two)
    expected = expected if isinstance(expected, tuple) else (expected,)
    for ours, theirs in zip(expected, session.run(None, {name: two.numpy()}), strict=True):
        off = float(np.abs(ours.numpy() - theirs).max())
        if not off <= TOLERANCE:
            raise DistaffError(f"{path.name} differs from the model by {off:.2g}, more than {TOLERANCE:g}: not written")
