"""The drawn cars and toys: rays against slow obvious geometry, and images that follow their factors."""

from __future__ import annotations

import numpy as np
import pytest

from distaff.data import load
from distaff.data._draw import showroom as _showroom
from distaff.data._draw import turntable as _turntable
from distaff.data._draw.bodies import ball, box, cut, limb, moved, prism, rod, scene, turn
from distaff.data._draw.rays import FAR, blocked, enter, nearest, normal_at
from distaff.data._draw.showroom import car_bodies, photograph
from distaff.data._draw.toys import CATEGORIES, HALF_EXTENT, INSTANCES, extent, toy_bodies
from distaff.data._draw.turntable import LIGHTINGS, photographs
from distaff.data.cache.built import FOLDER

BODIES = {
    "ball": ball((0.1, -0.2, 0.3), (0.5, 0.3, 0.8), turn(0.4, 0.3, 0.2)),
    "limb": limb((0, 0, 0), (0.5, 0.4, 0.9), 0.2),
    "rod": rod((-0.4, 0.2, 0), (0.5, -0.3, 0.6), 0.35),
    "box": box((0, 0.1, 0.2), (0.5, 0.3, 0.2), turn(0.7, -0.4, 0.3)),
    "prism": prism([(-0.8, 0), (0.7, 0), (0.4, 0.6), (-0.3, 0.8)], 0.4, lean=0.2),
    "cut": cut(
        prism([(-0.8, 0), (0.7, 0), (0.4, 0.6)], 0.4, axes=turn(0.5), centre=(0.1, 0, 0)), (1, 1, 0), (0.3, 0.2, 0)
    ),
    "moved": moved(rod((-0.4, 0.2, 0), (0.5, -0.3, 0.6), 0.35), (0.2, 0.1, -0.3), 1.3),
}


def inside(body, points):
    """Whether points lie in a body, from the body's description."""
    local = points @ body.into[:, :3].T + body.into[:, 3]
    square = {0: np.zeros(len(local)), 1: (local**2).sum(1), 2: (local[:, :2] ** 2).sum(1)}[body.kind]
    return (square <= 1) & (local @ body.planes[:, :3].T <= body.planes[:, 3]).all(1)


def rays(n, seed=0):
    rng = np.random.default_rng(seed)
    eyes = rng.normal(size=(n, 3))
    eyes *= 4 / np.linalg.norm(eyes, axis=1, keepdims=True)
    ways = rng.uniform(-0.8, 0.8, (n, 3)) - eyes
    return eyes, ways / np.linalg.norm(ways, axis=1, keepdims=True)


@pytest.mark.parametrize("name", BODIES)
def test_a_ray_enters_where_small_steps_along_it_first_come_inside(name):
    body, parts = BODIES[name], scene([BODIES[name]])
    steps = np.arange(0, 8, 0.002)
    hits = 0
    for eye, way in zip(*rays(150), strict=True):
        there = inside(body, eye + steps[:, None] * way)
        t, face = enter(parts, 0, tuple(eye), tuple(way))
        if there.sum() > 2:  # not a mere touch
            hits += 1
            assert t == pytest.approx(steps[np.argmax(there)], abs=0.003)
            normal = np.array(normal_at(parts, 0, face, tuple(eye + t * way)))
            assert np.linalg.norm(normal) == pytest.approx(1)
            assert normal @ way < 0
            assert not inside(body, (eye + t * way + 1e-4 * normal)[None])[0]
        elif not there.any():
            assert t == FAR or not inside(body, (eye + (t + 1e-3) * way)[None])[0]
    assert hits > 10


def test_the_nearest_of_many_is_that_of_each_alone_and_blocks():
    parts, alone = scene(list(BODIES.values())), [scene([body]) for body in BODIES.values()]
    for eye, way in zip(*rays(200, seed=1), strict=True):
        each = [enter(one, 0, tuple(eye), tuple(way))[0] for one in alone]
        t, body, _ = nearest(parts, tuple(eye), tuple(way))
        assert t == min(each)
        assert body == (int(np.argmin(each)) if min(each) < FAR else -1)
        assert blocked(parts, tuple(eye), tuple(way)) == (t < FAR)


@pytest.mark.parametrize("name", BODIES)
def test_a_body_lies_within_its_bound(name):
    points = np.random.default_rng(0).uniform(-2, 2, (200_000, 3))
    held = points[inside(BODIES[name], points)]
    assert len(held) > 100
    assert (np.linalg.norm(held - BODIES[name].centre, axis=1) <= BODIES[name].radius + 1e-9).all()


def test_a_turn_is_a_rotation_that_lifts_the_nose_and_turns_left():
    np.testing.assert_allclose(turn(0.3, 0.2, 0.1) @ turn(0.3, 0.2, 0.1).T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turn(0.3, 0.2, 0.1)) == pytest.approx(1)
    assert (turn(pitch=0.3) @ [1, 0, 0])[2] > 0
    assert (turn(yaw=0.3) @ [1, 0, 0])[1] > 0
    assert (turn(roll=0.3) @ [0, 1, 0])[2] > 0


@pytest.mark.parametrize("category", range(len(CATEGORIES)))
def test_toys_stand_on_the_table_and_are_all_as_large(category):
    for instance in range(INSTANCES):
        low, high = extent(toy_bodies(category, instance))
        assert low[2] == pytest.approx(0, abs=1e-9)
        np.testing.assert_allclose(low[:2], -high[:2], atol=1e-9)
        assert max(np.hypot(*high[:2]), 0.62 * high[2]) == pytest.approx(HALF_EXTENT)


def test_fifty_toys_and_183_cars_are_all_different():
    assert len({scene(toy_bodies(c, i)).into.tobytes() for c in range(5) for i in range(10)}) == 50
    assert len({scene(car_bodies(k)).into.tobytes() for k in range(183)}) == 183
    toys = [photographs(scene(toy_bodies(c, i)), 0.4, 45, 40)[5] for c in range(5) for i in (0, 6)]
    assert len(np.unique(np.stack(toys).reshape(10, -1), axis=0)) == 10
    cars = [photograph(scene(car_bodies(k)), 10, 60) for k in range(0, 180, 10)]  # all of one kind
    assert len(np.unique(np.stack(cars).reshape(len(cars), -1), axis=0)) == len(cars)


def test_a_car_stands_before_white_and_fills_the_picture():
    for number in range(0, 183, 20):
        image = photograph(scene(car_bodies(number)), 20, 45)
        assert (image[[0, -1]] == 255).all()
        assert (image[:, [0, -1]] == 255).all()
        assert 0.1 < (image < 250).any(-1).mean() < 0.6


def test_a_car_seen_from_both_sides_is_its_mirror_image():
    parts = scene(car_bodies(3))
    left, right = (photograph(parts, 0, a) for a in (60, -60))
    outline = [(image < 250).any(-1) for image in (left, right[:, ::-1])]
    assert (outline[0] != outline[1]).sum() < 30  # rays on edges alone


def test_lamps_change_shades_and_shadows_while_the_toy_stays():
    images = photographs(scene(toy_bodies(3, 0)), 0.4, 40, 30).astype(float)
    assert images.shape == (len(LIGHTINGS), 64, 64, 1)
    for i in range(len(LIGHTINGS)):
        for j in range(i):
            assert np.abs(images[i] - images[j]).mean() > 1
    left, right = images[1], images[2]  # a lamp at the left throws its shadow to the right
    assert (left - right)[40:, :20].mean() > (left - right)[40:, -20:].mean()


def test_turning_a_toy_by_the_azimuth_is_turning_it():
    bodies = toy_bodies(4, 2)
    turned = []
    for body in bodies:
        matrix = turn(yaw=np.radians(60))
        into = body.into.copy()
        into[:, :3] = body.into[:, :3] @ matrix.T
        turned.append(type(body)(**{**body.__dict__, "into": into, "centre": matrix @ body.centre}))
    a, b = photographs(scene(bodies), 0.4, 45, 60), photographs(scene(turned), 0.4, 45, 0)
    assert np.abs(a.astype(int) - b.astype(int)).mean() < 0.05


def test_images_come_in_the_order_of_the_grid(monkeypatch, tmp_path):
    monkeypatch.setattr(_turntable, "ELEVATIONS", 2)
    monkeypatch.setattr(_turntable, "AZIMUTHS", 3)
    parts = _turntable.toy_images()
    first, second = next(parts), next(parts)
    parts.close()
    assert first.shape == (2 * 3 * 6, 64, 64, 1)
    bodies = toy_bodies(0, 1)
    expected = photographs(scene(bodies), 0.42 * extent(bodies)[1][2], 35, 20)
    np.testing.assert_array_equal(second.reshape(2, 3, 6, 64, 64, 1)[1, 1], expected)
    cars = load("cars3d_lookalike")
    blocks = _showroom.car_images()
    rows, images = next(blocks)
    blocks.close()
    assert (cars.factors.values(rows)[:, 2] == 0).all()
    at = cars.factors.values(rows).tolist().index([2, 5, 0])
    np.testing.assert_array_equal(images[at], photograph(scene(car_bodies(0)), 20, 75))


@pytest.mark.parametrize(("name", "official"), [("cars3d_lookalike", "cars3d"), ("smallnorb_lookalike", "smallnorb")])
def test_the_grid_is_that_of_the_published_set(name, official, monkeypatch, tmp_path):
    monkeypatch.setenv(FOLDER, str(tmp_path))
    ours, theirs = load(name), load(official)
    assert (ours.factors.all_names, ours.factors.all_sizes) == (theirs.factors.all_names, theirs.factors.all_sizes)
    assert (ours.factors.hidden, ours.shape) == (theirs.factors.hidden, theirs.shape)
