// Errors of centres of mass: moments of the variances of a source's pixels.
#pragma once
#include "skyshed/kernels/ellipses/covariance.h"

namespace centroids {

// Whether a pixel of the weight image counts.
SKYSHED_BOTH bool counts(double weight) { return weight > 0 && weight < INF_VALUE; }

// The variances of pixels: their sum, and their moments about the centre.
struct Variances {
    double total, xx, yy, xy;
};

// The covariance of the centre of mass of light that adds up to `flux`; NaN if there is no such centre. Errors
// on a line would give none across it: what is not known is also where in its pixel each photon fell.
SKYSHED_BOTH ellipses::Symmetric covariance_of(const Variances &sums, double flux) {
    if (!counts(flux)) return {NAN_VALUE, NAN_VALUE, NAN_VALUE};
    const double norm = 1.0 / (flux * flux);
    return ellipses::floored(
        {sums.xx * norm, sums.xy * norm, sums.yy * norm},
        sums.total * ellipses::PIXEL_VARIANCE * norm);
}

}  // namespace centroids
