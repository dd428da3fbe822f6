"""The gradient of a layer's kernel and bias: a product of the two sides of the layer, summed over positions.

Pixel Y of the large side and row r of the small one meet in tap p = Y + PAD - S r. A square i holds the pixels
Y = S i - PAD + a, a < SIDE, and the rows i - u, u < P / SIDE, which meet in tap a + S u. SIDE is S, so that every pixel
is read once and every row P / S times, or P, and then it is the other way round.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit  # type: ignore[untyped-decorator]
def of_weights(  # type: ignore[no-untyped-def]
    large, small, of_w, of_b, scale, B,
    HEIGHT: tl.constexpr, WIDTH: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr,
    S: tl.constexpr, PAD: tl.constexpr, P: tl.constexpr, Q: tl.constexpr, LARGE: tl.constexpr, SMALL: tl.constexpr,
    LARGE_PIXEL: tl.constexpr, LARGE_CHANNEL: tl.constexpr, SMALL_PIXEL: tl.constexpr, SMALL_CHANNEL: tl.constexpr,
    TRANSPOSED: tl.constexpr, SIDE_Y: tl.constexpr, SIDE_X: tl.constexpr, FIRST_Y: tl.constexpr,
    FIRST_X: tl.constexpr, PHASES: tl.constexpr, SHARE: tl.constexpr, BE: tl.constexpr, BF: tl.constexpr,
    BR: tl.constexpr,
):  # fmt: skip
    """A block of the gradient, [p q i o], and of sums for the bias over `SHARE` of the squares.

    The gradient from above gives its rows, the images below its columns: above is the large side of a transposed layer.
    Entries e are of the small side, taps times SMALL channels, and entries f of the large one, pixels of a square times
    LARGE channels. Sums for the bias are a product with ones, which costs less than sums of registers.
    """
    BT: tl.constexpr = BF // PHASES
    BM: tl.constexpr = BF if TRANSPOSED else BE
    BN: tl.constexpr = BE if TRANSPOSED else BF
    across: tl.constexpr = Q // SIDE_X
    entries: tl.constexpr = P // SIDE_Y * across * SMALL
    tiles: tl.constexpr = (LARGE + BT - 1) // BT
    squares_y: tl.constexpr = ROWS + P // SIDE_Y - 1
    squares_x: tl.constexpr = COLUMNS + across - 1
    model, share = tl.program_id(2).to(tl.int64), tl.program_id(1)
    tile_e, tile_f = tl.program_id(0) // tiles, tl.program_id(0) % tiles
    e = tile_e * BE + tl.arange(0, BE)
    u, v, c = e // (across * SMALL), e // SMALL % across, e % SMALL
    f = tl.arange(0, BF)
    a, b, t = f // BT // SIDE_X, f // BT % SIDE_X, tile_f * BT + f % BT
    there_e, there_f = e < entries, (a < SIDE_Y) & (t < LARGE)
    large += model * B * (HEIGHT * WIDTH * LARGE)
    small += model * B * (ROWS * COLUMNS * SMALL)
    total = tl.zeros((BM, BN), tl.float32)
    sums = tl.zeros((BM, 16), tl.float32)
    ones = tl.full((BR, 16), 1.0, tl.float32).to(large.dtype.element_ty)
    for k in range(0, SHARE, BR):
        r = share * SHARE + k + tl.arange(0, BR)
        image, i, j = r // (squares_y * squares_x), r // squares_x % squares_y, r % squares_x
        patch = _pixels(small, image, i, j, -u, -v, c, there_e, B, ROWS, COLUMNS, SMALL, SMALL_PIXEL, SMALL_CHANNEL,
                        P > SIDE_Y or Q > SIDE_X)  # fmt: skip
        block = _pixels(large, image, i * S - PAD, j * S - PAD, a, b, t, there_f, B, HEIGHT, WIDTH, LARGE, LARGE_PIXEL,
                        LARGE_CHANNEL, PAD > 0 or P > SIDE_Y or Q > SIDE_X)  # fmt: skip
        above, x = (block, patch) if TRANSPOSED else (patch, block)
        total = tl.dot(tl.trans(above), x, total, input_precision="tf32x3")
        sums = tl.dot(tl.trans(above), ones, sums, input_precision="tf32x3")
    sums = tl.sum(tl.where(tl.arange(0, 16)[None, :] == 0, sums, 0.0), 1)
    if scale is not None:
        total *= tl.load(scale + model)
        sums *= tl.load(scale + model)
    part = share * tl.num_programs(2) + model
    to_e, to_f = (u * Q + v) * S * (LARGE * SMALL), (a * Q + b) * (LARGE * SMALL)
    of_w += part * (P * Q * LARGE * SMALL)
    if TRANSPOSED:
        to = (to_f + t)[:, None] + (to_e + c * LARGE)[None, :]
        tl.store(of_w + to, total, mask=there_f[:, None] & there_e[None, :])
        if of_b is not None:  # sums of S x S pixels of a square are those of all; more would overlap where SIDE is P
            once = (a >= FIRST_Y) & (a < FIRST_Y + S) & (b >= FIRST_X) & (b < FIRST_X + S)
            of_channels = tl.sum(tl.reshape(tl.where(once, sums, 0.0), (PHASES, BT)), 0)
            n = tile_f * BT + tl.arange(0, BT)
            tl.store(of_b + part * LARGE + n, of_channels, mask=(n < LARGE) & (tile_e == 0))
    else:
        to = (to_e + c)[:, None] + (to_f + t * SMALL)[None, :]
        tl.store(of_w + to, total, mask=there_e[:, None] & there_f[None, :])
        if of_b is not None:  # the entries of tap 0 are every row once
            tl.store(of_b + part * SMALL + e, sums, mask=(e < SMALL) & (tile_f == 0))


@triton.jit  # type: ignore[untyped-decorator]
def _pixels(  # type: ignore[no-untyped-def]
    images, image, row, column, down, right, channel, there, B, HEIGHT: tl.constexpr, WIDTH: tl.constexpr,
    CHANNELS: tl.constexpr, PIXEL: tl.constexpr, CHANNEL: tl.constexpr, EDGES: tl.constexpr,
):  # fmt: skip
    """Positions times entries: an entry is a channel so many pixels `down` and `right` of a position, 0 outside."""
    inside = (image < B)[:, None] & there[None, :]
    if EDGES:
        y, x = row[:, None] + down[None, :], column[:, None] + right[None, :]
        inside &= (y >= 0) & (y < HEIGHT) & (x >= 0) & (x < WIDTH)
    at = image * (HEIGHT * WIDTH * CHANNELS) + (row * WIDTH + column) * PIXEL
    of_entry = (down * WIDTH + right) * PIXEL + channel * CHANNEL
    return tl.load(images + at[:, None] + of_entry[None, :], mask=inside, other=0.0)
