// Sums along rows and columns on the CPU: the terms of many pixels side by side.
#pragma once
#include <type_traits>

#include "skyshed/kernels/convolution/convolution.h"
#include "skyshed/kernels/cpu.h"

namespace convolution {

// Taps that are added in one pass over a line: a multiple of four, so that the order is the same.
constexpr int TAPS = 16;
// Rows whose sums along columns are formed together: they share most of their lines.
constexpr int ROWS = 4;

// Calls add(n, j), n <= N as a constant.
template <int N, class Add> void with_constant(int n, int j, Add add) {
    if (n == N) add(std::integral_constant<int, N>(), j);
    else if constexpr (N > 1) with_constant<N - 1>(n, j, add);
}

// Calls add(N, j), N <= most a constant, for taps j to j + N.
template <int most, class Add> void in_groups(int n, Add add) {
    for (int j = 0; j < n; j += most) with_constant<most>(min(n - j, most), j, add);
}

// N taps, and the lines that they are for, from any column on.
template <int N> struct Lines {
    double tap[N];
    const double *at[N + ROWS - 1];

    template <class Line> Lines(const double *taps, Line line, int rows = 1) {
        for (int j = 0; j < N; ++j) tap[j] = taps[j];
        for (int j = 0; j < N + rows - 1; ++j) at[j] = line(j);
    }

    // total and the terms at column x of the lines from `row` on.
    template <int reading> double add(double total, int row, i64 x) const {
        return add_terms(total, N, [&](int j) { return tap[j] * read<reading>(at[row + j][x]); });
    }
};

// Sums of n columns, after 0 or after the sums there are.
template <int reading, bool first, int N, class Out>
SKYSHED_FLAT void add_lines(const Lines<N> lines, i64 n, Out *__restrict sums) {
    for (i64 x = 0; x < n; ++x)
        sums[x] = Out(lines.template add<reading>(first ? 0.0 : double(sums[x]), 0, x));
}

// The same for ROWS rows, the lines of each one further.
template <int N, class Out>
SKYSHED_FLAT void add_rows_of_lines(
    const Lines<N> lines, i64 n, Out *__restrict a, Out *__restrict b, Out *__restrict c,
    Out *__restrict d) {
    for (i64 x = 0; x < n; ++x) {
        a[x] = Out(lines.template add<AS_IS>(0.0, 0, x));
        b[x] = Out(lines.template add<AS_IS>(0.0, 1, x));
        c[x] = Out(lines.template add<AS_IS>(0.0, 2, x));
        d[x] = Out(lines.template add<AS_IS>(0.0, 3, x));
    }
}

// Sums along a row, of terms taps[j] * line[x + j].
template <int reading>
void add_row(const double *taps, int kx, const double *line, i64 n, bool first, double *sums) {
    in_groups<reading == AS_IS ? TAPS : 4>(kx, [&](auto N, int j) {
        const Lines<N> lines(taps + j, [=](int i) { return line + j + i; });
        if (first && !j) add_lines<reading, true>(lines, n, sums);
        else add_lines<reading, false>(lines, n, sums);
    });
}

// Sums along a column, of terms taps[i] * line(i)[x]; total is room for those of a tall one.
template <class Line, class Out>
void add_column(const double *taps, int ky, Line line, i64 n, double *total, Out *out) {
    in_groups<TAPS>(ky, [&](auto N, int i) {
        const Lines<N> lines(taps + i, [=](int j) { return line(i + j); });
        if (ky <= TAPS) add_lines<AS_IS, true>(lines, n, out);
        else if (!i) add_lines<AS_IS, true>(lines, n, total);
        else add_lines<AS_IS, false>(lines, n, total);
    });
    if (ky > TAPS) for (i64 x = 0; x < n; ++x) out[x] = Out(total[x]);
}

// Sums along columns for as many rows as ROWS, `step` apart in the image.
template <class Line, class Out>
void add_columns(const double *taps, int ky, Line line, i64 n, double *total, Out *out, i64 step) {
    if (ky > TAPS) {
        for (int row = 0; row < ROWS; ++row)
            add_column(taps, ky, [=](int i) { return line(row + i); }, n, total, out + row * step);
        return;
    }
    in_groups<TAPS>(ky, [&](auto N, int) {
        const Lines<N> lines(taps, line, ROWS);
        add_rows_of_lines(lines, n, out, out + step, out + 2 * step, out + 3 * step);
    });
}

}  // namespace convolution
