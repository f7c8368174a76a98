// What inverse-distance weighting means, for both devices.
#pragma once
#include "skyshed/kernels/both.h"

namespace weighting {

// A distance to a power; the usual ones without the error of pow.
SKYSHED_BOTH double raised(double distance, double power) {
    if (power == 1.0) return distance;
    if (power == 2.0) return distance * distance;
    if (power == 0.5) return sqrt(distance);
    return pow(distance, power);
}

SKYSHED_BOTH double weight(double distance, double power, double regularization) {
    return 1.0 / (raised(distance, power) + regularization);
}

// A sum of n terms in the order of NumPy's: eight sums side by side, then the last n % 8 terms.
class Sum {
  public:
    SKYSHED_BOTH explicit Sum(i64 n) : full(n - n % 8), of{-0.0, -0.0, -0.0, -0.0, -0.0, -0.0, -0.0, -0.0} {}

    // Adds the next term.
    SKYSHED_BOTH void add(double term) {
        if (added >= full) {
            if (added == full) all = sum_of_full();
            all += term;
        } else {
            of[added % 8] += term;
        }
        ++added;
    }

    // The sum after all terms.
    SKYSHED_BOTH double value() const { return added == full ? sum_of_full() : all; }

  private:
    SKYSHED_BOTH double sum_of_full() const {
        return ((of[0] + of[1]) + (of[2] + of[3])) + ((of[4] + of[5]) + (of[6] + of[7]));
    }

    i64 full, added = 0;
    double of[8], all = 0.0;
};

// A mean of n values by their weights, which are given from the nearest on.
class Mean {
  public:
    SKYSHED_BOTH explicit Mean(i64 n) : total(n), weighted(n) {}

    SKYSHED_BOTH void add(double value, double weight) {
        total.add(weight);
        weighted.add(weight * value);
    }

    // NaN where all weights are 0.
    SKYSHED_BOTH double value() const {
        return total.value() > 0.0 ? weighted.value() / total.value() : NAN_VALUE;
    }

  private:
    Sum total, weighted;
};

}  // namespace weighting
