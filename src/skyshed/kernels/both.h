// What headers that both devices share start with: the CPU's compiler takes them as plain C++17, the
// GPU's as CUDA C++, where there is no standard library.
//
// Functions of such a header are SKYSHED_BOTH, in a namespace with the operation's name. min and max
// are for integers: CUDA's and C++'s differ for NaN.
#pragma once

#if defined(__CUDACC__) || defined(CUDA_ON_CPU)

#define SKYSHED_BOTH __host__ __device__ inline
#define SKYSHED_NOT_UNROLLED _Pragma("unroll 1")

#else

#include <algorithm>
#include <cmath>
#include <limits>

#define SKYSHED_BOTH inline
#define SKYSHED_NOT_UNROLLED
#define NAN_VALUE std::numeric_limits<double>::quiet_NaN()
#define INF_VALUE std::numeric_limits<double>::infinity()

using std::asin; using std::atan2; using std::ceil; using std::cos; using std::exp; using std::fabs;
using std::floor; using std::hypot; using std::isfinite; using std::isnan; using std::log; using std::max;
using std::min; using std::pow; using std::sin; using std::sqrt;

#endif

// 64 bits on every system, NumPy's int64 and uint64.
typedef long long i64;
typedef unsigned long long u64;
