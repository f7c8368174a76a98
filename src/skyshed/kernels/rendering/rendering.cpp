// Profiles, one after the other, in bands of rows. Fields are made on the host alone: no other twin shares the
// formulas.

#include "skyshed/kernels/cpu.h"

namespace rendering {
namespace {

// Kinds of profiles, as the contract has them.
enum Kind { GAUSSIAN, MOFFAT, SERSIC, TRAIL, STREAK };

// A row of the table of profiles, in the contract's order.
struct Profile {
    double x, y, amplitude, cxx, cxy, cyy, reach, power, rate, soft, half_width, half_height;
};

double root_or_power(double u, double power) {
    // The indices 1, 2 and 4 are most of the galaxies: roots are cheaper than powers.
    if (power == 0.5) return sqrt(u);
    if (power == 0.25) return sqrt(sqrt(u));
    if (power == 0.125) return sqrt(sqrt(sqrt(u)));
    return pow(u, power);
}

// What a profile of a kind adds at (dx, dy) from its centre.
template <int KIND> double value_at(const Profile &p, double dx, double dy) {
    if (KIND == GAUSSIAN) {
        const double w = p.cxx * (dx * dx) + (p.cxy * dx) * dy + p.cyy * (dy * dy);
        return w <= p.reach ? p.amplitude * exp(-0.5 * w) : 0.0;
    }
    if (KIND == TRAIL) {
        const double width = p.rate * (1.0 - fabs(dy) / p.half_height);
        return fabs(dx) <= (p.power > width ? p.power : width) ? p.amplitude : 0.0;
    }
    if (KIND == STREAK) {
        const double beyond = fabs(dx * p.cxx + dy * p.cyy) - p.power;
        const double along = 0.0 > beyond ? 0.0 : beyond, across = dx * p.cyy - dy * p.cxx;
        return p.amplitude * exp(-p.rate * (across * across + along * along));
    }
    const double w = (p.cxx * dx + p.cxy * dy) * dx + p.cyy * dy * dy;
    if (!(w <= p.reach)) return 0.0;
    if (KIND == SERSIC) return p.amplitude * exp(-p.rate * root_or_power(w + p.soft, p.power));
    const double u = 1.0 + w;
    return p.power == 3.0 ? p.amplitude / (u * u * u) : p.amplitude * pow(u, -p.power);
}

// Adds n pixels of a row, from column x on.
template <int KIND> void add_row(const Profile &p, double x, double dy, i64 n, double *row) {
    for (i64 k = 0; k < n; ++k) row[k] += value_at<KIND>(p, (x + whole(k)) - p.x, dy);
}

// Adds n profiles to rows begin to end of an image whose first pixel is (y0, x0).
i64 render(
    const double *profiles, const i64 *kind, i64 n, i64 y0, i64 x0, i64 nx, double *image, i64 begin,
    i64 end) {
    using Add = void (*)(const Profile &, double, double, i64, double *);
    const Add add[] = {add_row<GAUSSIAN>, add_row<MOFFAT>, add_row<SERSIC>, add_row<TRAIL>, add_row<STREAK>};
    for (i64 i = 0; i < n; ++i) {
        Profile p;
        std::memcpy(&p, profiles + 12 * i, sizeof p);
        // Clip before rounding: an endless profile has no integer bounds.
        const double first = double(x0), last = double(x0 + nx - 1);
        const double low = double(y0 + begin), high = double(y0 + end - 1);
        const double left = ceil(first > p.x - p.half_width ? first : p.x - p.half_width);
        const double right = floor(last < p.x + p.half_width ? last : p.x + p.half_width);
        const i64 y1 = i64(floor(high < p.y + p.half_height ? high : p.y + p.half_height));
        if (left > right || kind[i] < GAUSSIAN || kind[i] > STREAK) continue;
        for (i64 y = i64(ceil(low > p.y - p.half_height ? low : p.y - p.half_height)); y <= y1; ++y)
            add[kind[i]](
                p, left, double(y) - p.y, i64(right - left) + 1, image + (y - y0) * nx + (i64(left) - x0));
    }
    return 0;
}

SKYSHED_KERNEL("rendering.render", render);

}  // namespace
}  // namespace rendering
