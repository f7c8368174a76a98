// Rows of a file, read without the GIL: a Python call for each row waits for threads that run Python.

#include "skyshed/kernels/cpu.h"

#ifndef _WIN32
#include <cerrno>
#include <unistd.h>
#endif

namespace file_rows {
namespace {

// Reads n bytes of a file; returns how many there were.
i64 read_bytes(i64 file, i64 from, i64 n, unsigned char *to) {
    i64 done = 0;
#ifdef _WIN32
    (void)file, (void)from, (void)n, (void)to;
#else
    while (done < n) {
        const i64 got = pread(int(file), to + done, size_t(n - done), off_t(from + done));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        done += got;
    }
#endif
    return done;
}

// Reads n bytes of rows, from byte `at` of them on; returns how many there were.
i64 read(i64 file, i64 first, i64 stride, i64 length, i64 at, i64 n, unsigned char *buffer) {
    i64 done = 0;
    while (done < n) {
        const i64 row = (at + done) / length, before = (at + done) % length;
        const i64 wanted = min(length - before, n - done);
        const i64 got = read_bytes(file, first + row * stride + before, wanted, buffer + done);
        done += got;
        if (got < wanted) break;
    }
    return done;
}

SKYSHED_KERNEL("file_rows.read", read);

}  // namespace
}  // namespace file_rows
