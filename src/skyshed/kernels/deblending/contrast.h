// The contrast rule, for both devices: basins with too small a share of the flux are flooded by their
// neighbours.
//
// The faintest basin goes first; then everything is judged anew. No pixel outside the removed basin
// can change, so only that basin is flooded again, from the pixels around it. A flux is a sum in raster
// order, which fixes its last bit.
#pragma once
#include "skyshed/kernels/both.h"

namespace deblending {

SKYSHED_BOTH bool is_faint(double share, double contrast) { return share < contrast; }

// Whether basin a goes before b: NaN, then the smaller share, then the smaller number.
SKYSHED_BOTH bool precedes(double share_a, int a, double share_b, int b) {
    if (isnan(share_a) || isnan(share_b)) return isnan(share_a) && (!isnan(share_b) || a < b);
    return share_a < share_b || (share_a == share_b && a < b);
}

// How many of the faintest basins go at once, where one is faint: one, or the largest group whose
// share, all together, is below both the contrast and the next basin's: none of its members could be
// saved by the flux of the others. That takes fluxes that aren't negative. ranks.next() is the share of
// the next basin, from the first on; ranks.keep() says that those before the last one go.
template <class Ranks>
SKYSHED_BOTH int count_removable(Ranks &ranks, int n_alive, double contrast, bool nonnegative) {
    int together = 1;
    double total = ranks.next(), next = ranks.next();
    ranks.keep();
    for (int i = 1; nonnegative && i < n_alive - 1; ++i) {
        total += next;
        if (!is_faint(total, contrast)) break;
        next = ranks.next();
        if (!(total < next)) continue;
        together = i + 1;
        ranks.keep();
    }
    return together;
}

}  // namespace deblending
