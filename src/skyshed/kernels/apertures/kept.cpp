// The weights of ellipses' pixels, to be kept: how much there is of each, and then all of them.

#include "skyshed/kernels/apertures/kept.hpp"

namespace apertures {
namespace {

// Calls visit(weights, block) for the blocks of an aperture, whose rows are known then; nothing where it is
// not measured. False if it is to stop.
template <class Visit>
bool visit_blocks(
    EllipseWeights &weights, const Place &at, const Aperture &of, const Box &box, const int *stop,
    Visit visit) {
    if (box.empty()) return true;
    weights.start(of.scaled(1.0), at, of.x, of.y, box);
    const i64 step = rows_at_once(box);
    for (i64 y0 = box.y0; y0 < box.y1; y0 += step) {
        if (stopped(stop)) return false;
        visit(weights, weights.find_rows(y0, min(y0 + step, box.y1)));
    }
    return true;
}

Box box_at(const Place &at, const Aperture &of) {
    if (!of.valid(0.0)) return {};
    const Ellipse e = of.scaled(1.0);
    return box_of(at, of.x, of.y, e.width, e.height);
}

KeptRow kept_of(const Row &row, i64 x0) {
    if (row.first >= row.end) return {};
    return {int(row.first - x0), int(row.end - x0), int(row.inner - x0), int(row.inner_end - x0), 0};
}

i64 widest_of(const Place &at, const double *ellipses, const i64 *order, i64 k0, i64 k1) {
    i64 widest = 0;
    for (i64 k = k0; k < k1; ++k) widest = max(widest, box_at(at, aperture_at(ellipses, order[k])).width());
    return widest;
}

// The boxes of sources order[k0:k1], and how many pixels are on their rims.
i64 count_kept(
    const i64 *where, const double *ellipses, const i64 *order, i64 *boxes, i64 *n_rims, const int *stop,
    i64 k0, i64 k1) {
    const Place at = place_of(where);
    EllipseWeights weights(widest_of(at, ellipses, order, k0, k1));
    if (!weights) return NO_MEMORY;
    for (i64 k = k0; k < k1; ++k) {
        const i64 i = order[k];
        const Aperture of = aperture_at(ellipses, i);
        const Box box = box_at(at, of);
        i64 on_rim = 0;
        const bool done = visit_blocks(weights, at, of, box, stop, [&](EllipseWeights &w, const Block &block) {
            for (i64 y = 0; y < block.height(); ++y) on_rim += kept_of(w.rows[y], box.x0).on_rim();
        });
        if (!done) return STOPPED;
        const Box none = {}, &found = box.empty() ? none : box;
        i64 *written = boxes + 6 * i;
        written[0] = found.y0, written[1] = found.y1, written[2] = found.x0, written[3] = found.x1;
        written[4] = found.my, written[5] = found.mx;
        n_rims[i] = on_rim;
    }
    return 0;
}

SKYSHED_KERNEL("apertures.count_kept", count_kept);

// Writes rows and rims of sources order[k0:k1] from where those of each begin.
i64 keep(
    const int *labels, const i64 *where, const int *label, const double *ellipses, const i64 *order,
    const i64 *row_start, const i64 *rim_start, int *rows, double *rims, const int *stop, i64 k0, i64 k1) {
    const Place at = place_of(where);
    const i64 widest = widest_of(at, ellipses, order, k0, k1), room = max(GATHERED, widest);
    EllipseWeights weights(widest, room);
    Scratch<double> found(room + LANES);
    if (!weights || !found) return NO_MEMORY;
    for (i64 k = k0; k < k1; ++k) {
        const i64 i = order[k];
        const Aperture of = aperture_at(ellipses, i);
        const Box box = box_at(at, of);
        KeptRow *kept = reinterpret_cast<KeptRow *>(rows) + row_start[i];
        double *rim = rims + rim_start[i];
        const auto write = [&](EllipseWeights &w, const Block &block) {
            const bool any = block.x0 < block.x1;
            if (any) w.find_weights(block, found.begin());
            for (i64 y = 0; y < block.height(); ++y) {
                const Row &row = w.rows[y];
                KeptRow &one = *kept++ = kept_of(row, box.x0);
                if (!any || row.first >= row.end) continue;
                const double *weight = found.begin() + y * block.width() - block.x0;
                rim = std::copy(weight + row.first, weight + row.inner, rim);
                rim = std::copy(weight + row.inner_end, weight + row.end, rim);
                const int *here = labels + (block.y0 + y) * at.nx;
                int others = 0;
                for (i64 x = row.first; x < row.end; ++x) others |= of_another(here[x], label[i]);
                one.others = others;
            }
        };
        if (!visit_blocks(weights, at, of, box, stop, write)) return STOPPED;
    }
    return 0;
}

SKYSHED_KERNEL("apertures.keep", keep);

}  // namespace
}  // namespace apertures
