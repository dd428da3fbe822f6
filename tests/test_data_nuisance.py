"""What is drawn anew at every look: colour, noise, The Scream, the hidden shape."""

import numpy as np
import pytest
import torch

from distaff.data import load
from distaff.data.color_dsprites import coloured
from distaff.data.noisy_dsprites import on_noise
from distaff.data.scream_dsprites import PICTURE, before_the_scream
from distaff.rng import uniform

STOCHASTIC = {"color_dsprites": coloured, "noisy_dsprites": on_noise, "scream_dsprites": before_the_scream}
NUISANCE = {"color_dsprites": (3,), "noisy_dsprites": (3, 64, 64), "scream_dsprites": (5,)}


@pytest.fixture
def x():
    out = torch.zeros(4, 1, 64, 64)
    out[:, :, 20:30, 25:40] = 1
    return out


def uniforms(*shape, step=0):
    return uniform(3, "noise", step, shape)


@pytest.mark.parametrize("name", STOCHASTIC)
def test_an_observation_is_a_pure_function_of_image_and_uniforms(name, x):
    data, observe = load(name), STOCHASTIC[name]
    assert data.observe.function is observe, "behind the door of plug-ins"
    assert data.nuisance == NUISANCE[name]
    assert data.shape == (64, 64, 3)
    u = uniforms(4, *data.nuisance)
    before = x.clone(), u.clone()
    first, second = observe(x, u), observe(x, u)
    assert torch.equal(first, second)
    assert torch.equal(x, before[0])
    assert torch.equal(u, before[1])
    assert first.shape == (4, 3, 64, 64)
    assert first.dtype == torch.float32
    assert first.min() >= 0
    assert first.max() <= 1
    assert not torch.equal(first, observe(x, uniforms(4, *data.nuisance, step=1)))


@pytest.mark.parametrize("name", STOCHASTIC)
def test_an_image_does_not_depend_on_its_neighbours_in_the_batch(name, x):
    u = uniforms(4, *NUISANCE[name])
    together = STOCHASTIC[name](x, u)
    alone = torch.cat([STOCHASTIC[name](x[i : i + 1], u[i : i + 1]) for i in range(4)])
    assert torch.equal(together, alone)


def test_colours_are_one_an_image_from_a_half_up(x):
    out = coloured(x, uniforms(4, 3))
    sprite = out[:, :, 20:30, 25:40]
    assert (sprite == sprite[:, :, :1, :1]).all()
    assert sprite.min() >= 0.5
    assert (out[:, :, :20] == 0).all()
    assert coloured(torch.ones(1, 1, 1, 1), torch.zeros(1, 3)).tolist() == [[[[0.5]]] * 3]


def test_noise_leaves_the_sprite_white_and_is_the_background(x):
    u = uniforms(4, 3, 64, 64)
    out = on_noise(x, u)
    assert (out[:, :, 20:30, 25:40] == 1).all()
    assert torch.equal(out[:, :, :20], u[:, :, :20])


def test_the_scream_is_cropped_tinted_and_inverted_as_the_formula_says(x):
    image = pytest.importorskip("PIL.Image")
    with image.open(PICTURE) as file:
        picture = np.asarray(file, dtype=np.float64) / 255
    assert picture.shape == (274, 217, 3)
    u = uniforms(4, 5)
    out = before_the_scream(x, u).numpy()
    for i in range(4):
        top, left = int(u[i, 0] * 210), int(u[i, 1] * 153)
        expected = (picture[top : top + 64, left : left + 64] + u[i, 2:].numpy()) / 2
        sprite = x[i, 0].numpy() == 1
        expected[sprite] = 1 - expected[sprite]
        np.testing.assert_allclose(out[i].transpose(1, 2, 0), expected, atol=1e-6)


def test_crops_of_the_scream_stay_inside_at_the_ends_of_the_uniforms(x):
    ends = torch.tensor([0.0, 1 - 2.0**-24])
    u = torch.stack([ends[:, None].expand(2, 5)[i] for i in (0, 1, 0, 1)])
    assert before_the_scream(x, u).isfinite().all()


def test_the_hidden_shape_is_drawn_from_the_uniforms():
    factors = load("dsprites_noshape").factors
    assert factors.names == ("scale", "orientation", "posX", "posY")
    assert factors.sizes == (6, 40, 32, 32)
    values = np.tile([[2, 7, 30, 1]], (6, 1))
    rows = factors.rows(values, np.array([[0.0], [0.3], [0.34], [0.6], [0.67], [0.99]]))
    assert factors.all_values(rows)[:, 0].tolist() == [0, 0, 1, 1, 2, 2]
    np.testing.assert_array_equal(factors.values(rows), values)
