"""The exact area that an ellipse and a pixel share.

By Green's theorem the area is an integral along the boundary of the intersection: stretches of the
pixel's edges, and arcs of the ellipse between them. Where the grid's lines meet the ellipse is
computed once per line (`row_chord`, `column_chord`), so that a pixel costs a polygon's area plus,
for each arc, the area between it and its chord. That area depends on the chord's length alone once
the ellipse is mapped to the unit circle. Coordinates are relative to the ellipse's centre.
"""

import math

from skyshed.kernels.threads import jit

#: Up to this squared half-chord the fraction in `cap` is exact to 2e-14 of itself; it is faster
#: than the closed form and does not cancel. Beyond, an ellipse is hardly larger than a pixel.
PADE_LIMIT = 0.2


@jit
def ellipse(a, b, theta):
    """Return the ellipse as the tuple that the functions below take.

    half width, half height; slope of the line through the row chords' middles, longest row chord's
    half; the same of the column chords; the map to the unit circle; the product of the semi-axes.
    """
    c, s = math.cos(theta), math.sin(theta)
    xx = (c / a) ** 2 + (s / b) ** 2
    yy = (s / a) ** 2 + (c / b) ** 2
    xy = c * s * (1.0 / a**2 - 1.0 / b**2)
    width = math.sqrt((a * c) ** 2 + (b * s) ** 2)
    height = math.sqrt((a * s) ** 2 + (b * c) ** 2)
    row, column = 1.0 / math.sqrt(xx), 1.0 / math.sqrt(yy)
    return (
        width, height, -xy / xx, row, -xy / yy, column, c / a, s / a, c / b, s / b, a * b,
    )  # fmt: skip


@jit
def row_chord(shape, y):
    """Return where the horizontal line at ``y`` enters and leaves the ellipse, or (inf, -inf)."""
    t = y / shape[1]
    if not -1.0 < t < 1.0:
        return math.inf, -math.inf
    half = shape[3] * math.sqrt((1.0 - t) * (1.0 + t))
    return shape[2] * y - half, shape[2] * y + half


@jit
def column_chord(shape, x):
    """Return where the vertical line at ``x`` enters and leaves the ellipse, or (inf, -inf)."""
    t = x / shape[0]
    if not -1.0 < t < 1.0:
        return math.inf, -math.inf
    half = shape[5] * math.sqrt((1.0 - t) * (1.0 + t))
    return shape[4] * x - half, shape[4] * x + half


@jit
def row_extent(shape, y, below, above):
    """Return the range of x that the ellipse covers between ``y`` and ``y + 1``.

    ``below`` and ``above`` are the chords of those two lines.
    """
    low, high = min(below[0], above[0]), max(below[1], above[1])
    leftmost = -shape[4] * shape[0]
    if y <= leftmost <= y + 1.0:
        low = -shape[0]
    if y <= -leftmost <= y + 1.0:
        high = shape[0]
    return low, high


@jit
def small_cap(square):
    """Return `cap` up to `PADE_LIMIT`."""
    above = 0.03766816712210463 - 0.0006049655664562338 * square
    above = 1.1538150104586409 + square * (-0.35716945794003035 + square * above)
    above = 0.6666666666666666 + square * (-1.493021799313021 + square * above)
    below = 0.1511011613287291 - 0.006868840320088422 * square
    below = 2.331868039664535 + square * (-0.9313420817131123 + square * below)
    below = 1.0 + square * (-2.5395326989695315 + square * below)
    return square * math.sqrt(square) * above / below


@jit
def cap(square):
    """Return the area between a small arc of the unit circle and its chord, of squared half-length.

    With h the half-length it is asin(h) - h sqrt(1 - h^2) = h^3 (2/3 + h^2/5 + 3 h^4/28 + ...); the
    fraction is the [5/5] Pade approximant of that series.
    """
    if square > PADE_LIMIT:
        half = math.sqrt(min(square, 1.0))
        return math.asin(half) - half * math.sqrt(1.0 - half * half)
    return small_cap(square)


@jit
def _arc(shape, central, x0, y0, px, py, qx, qy):
    """Return twice the area that the arc from p to q adds: the chord's part, and the cap."""
    twice = px * qy - qx * py
    dx, dy = qx - px, qy - py
    u = dx * shape[6] + dy * shape[7]
    v = dy * shape[8] - dx * shape[9]
    square = 0.25 * (u * u + v * v)
    px, py, qx, qy = x0 + px, y0 + py, x0 + qx, y0 + qy
    cross = (px * qy - qx * py) / shape[10]
    if square > PADE_LIMIT:
        # Near half an ellipse the chord's length says little about the angle.
        dot = (px * shape[6] + py * shape[7]) * (qx * shape[6] + qy * shape[7])
        dot += (py * shape[8] - px * shape[9]) * (qy * shape[8] - qx * shape[9])
        angle = math.atan2(cross, dot)
        area = 0.5 * ((angle if angle > 0.0 else angle + 2.0 * math.pi) - cross)
    else:
        area = cap(square)
        # An arc of more than half the ellipse holds the centre, so it lies in the centre's pixel.
        if central and cross < 0.0:
            area = math.pi - area
    return twice + 2.0 * shape[10] * area


@jit
def overlaps_of_one_arc(shape, edges, n, out):
    """Fill in the areas that the ellipse shares with n pixels, where one short arc crosses them.

    ``edges`` has eight rows: where the lines along the lower, upper, left and right edge enter and
    leave the ellipse, from the pixel's lower left corner. Elsewhere the area is NaN: see `overlap`.
    There are no branches, which would be unpredictable, so that several pixels are done at a time.
    """
    b_low, b_high, t_low, t_high = edges[0], edges[1], edges[2], edges[3]
    l_low, l_high, r_low, r_high = edges[4], edges[5], edges[6], edges[7]
    for k in range(n):
        b0, b1 = max(b_low[k], 0.0), min(b_high[k], 1.0)
        t0, t1 = max(t_low[k], 0.0), min(t_high[k], 1.0)
        l0, l1 = max(l_low[k], 0.0), min(l_high[k], 1.0)
        r0, r1 = max(r_low[k], 0.0), min(r_high[k], 1.0)
        on_b, on_t, on_l, on_r = b0 < b1, t0 < t1, l0 < l1, r0 < r1
        # Counter-clockwise, where the boundary leaves the pixel's edges for an arc, and comes back.
        leave_b, leave_r = on_b & (b1 < 1.0), on_r & (r1 < 1.0)
        leave_t, leave_l = on_t & (t0 > 0.0), on_l & (l0 > 0.0)
        back_b, back_r = on_b & (b0 > 0.0), on_r & (r0 > 0.0)
        back_t, back_l = on_t & (t1 < 1.0), on_l & (l1 < 1.0)
        one = leave_b + leave_r + leave_t + leave_l == 1
        one &= back_b + back_r + back_t + back_l == 1
        px = (b1 if leave_b else 0.0) + (1.0 if leave_r else 0.0) + (t0 if leave_t else 0.0)
        py = (r1 if leave_r else 0.0) + (1.0 if leave_t else 0.0) + (l0 if leave_l else 0.0)
        qx = (b0 if back_b else 0.0) + (1.0 if back_r else 0.0) + (t1 if back_t else 0.0)
        qy = (r0 if back_r else 0.0) + (1.0 if back_t else 0.0) + (l1 if back_l else 0.0)
        twice = (r1 - r0 if on_r else 0.0) + (t1 - t0 if on_t else 0.0) + (px * qy - qx * py)
        dx, dy = qx - px, qy - py
        u, v = dx * shape[6] + dy * shape[7], dy * shape[8] - dx * shape[9]
        square = 0.25 * (u * u + v * v)
        area = 0.5 * (twice + 2.0 * shape[10] * small_cap(square))
        out[k] = area if one & (square <= PADE_LIMIT) else math.nan


@jit
def overlap(shape, x0, y0, below, above, left, right):
    """Return the area that the ellipse shares with the pixel whose lower left corner is (x0, y0).

    ``below``, ``above``, ``left``, ``right`` are the chords of the lines along its edges. Points
    below are relative to that corner, which keeps the error at 1e-16 whatever the ellipse's size.
    """
    b0, b1 = max(below[0] - x0, 0.0), min(below[1] - x0, 1.0)
    t0, t1 = max(above[0] - x0, 0.0), min(above[1] - x0, 1.0)
    l0, l1 = max(left[0] - y0, 0.0), min(left[1] - y0, 1.0)
    r0, r1 = max(right[0] - y0, 0.0), min(right[1] - y0, 1.0)
    on_b, on_t, on_l, on_r = b0 < b1, t0 < t1, l0 < l1, r0 < r1
    central = x0 <= 0.0 <= x0 + 1.0 and y0 <= 0.0 <= y0 + 1.0
    return _overlap_of_arcs(
        shape, central, x0, y0,
        ((on_b, b0, 0.0, b1, 0.0), (on_r, 1.0, r0, 1.0, r1),
         (on_t, t1, 1.0, t0, 1.0), (on_l, 0.0, l1, 0.0, l0)),
    )  # fmt: skip


@jit
def _overlap_of_arcs(shape, central, x0, y0, edges):
    """Return the shared area with any number of arcs, from the stretches of the pixel's edges."""
    any_inside = False
    twice = fx = fy = lx = ly = 0.0
    for inside, px, py, qx, qy in edges:
        if not inside:
            continue
        if not any_inside:
            any_inside = True
            fx, fy = px, py
        elif px != lx or py != ly:
            twice += _arc(shape, central, x0, y0, lx, ly, px, py)
        twice += px * qy - qx * py
        lx, ly = qx, qy
    if not any_inside:
        return math.pi * shape[10] if central else 0.0
    if fx != lx or fy != ly:
        twice += _arc(shape, central, x0, y0, lx, ly, fx, fy)
    return 0.5 * twice
