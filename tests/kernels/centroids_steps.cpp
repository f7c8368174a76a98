// Calls the steps of windowed centroids one by one.
#include "skyshed/kernels/centroids/windowed.h"

#include "skyshed/kernels/cpu.h"

namespace {

i64 weights(const double *x, double *weight, i64 n) {
    for (i64 k = 0; k < n; ++k) weight[k] = centroids::weight_of(x[k]);
    return 0;
}

SKYSHED_KERNEL("steps.weights", weights);

}  // namespace
