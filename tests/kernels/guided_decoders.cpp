// What libFuzzer calls to change streams of compressed tiles, guided by what of the decoders they reach; see
// guided_decoders.py. RICE_1 has to come to what a plain decoder comes to, which takes bit after bit.
//
// An input is four bytes that say what it is, and a stream.

#include <cstdint>
#include <cstdlib>
#include <vector>

#include "skyshed/kernels/hcompress/hcompress.cpp"
#include "skyshed/kernels/rice/rice.h"

namespace {

struct Decoded {
    int state;
    std::vector<int> numbers;
    bool operator==(const Decoded &other) const {
        return state == other.state && numbers == other.numbers;
    }
};

class PlainBits {
  public:
    PlainBits(const unsigned char *stream, i64 length) : stream(stream), length(8 * length) {}
    bool take(int n, unsigned &bits) {
        bits = 0;
        if (at + n > length) return false;
        for (; n > 0; --n, ++at) bits = bits << 1 | (stream[at / 8] >> (7 - at % 8) & 1u);
        return true;
    }
    bool take_zeros(unsigned &zeros) {
        unsigned bit = 0;
        for (zeros = 0; take(1, bit); ++zeros)
            if (bit) return true;
        return false;
    }
    bool goes_on() const { return length - at >= 8; }

  private:
    const unsigned char *stream;
    i64 length, at = 0;
};

// FITS standard 4.0, section 10.4.1, as it is written there.
template <int BYTES> Decoded decoded_plainly(
    const unsigned char *stream, i64 length, i64 n, i64 blocksize) {
    PlainBits bits(stream, length);
    Decoded found = {rice::ENDS_EARLY, {}};
    unsigned last, code, value, zeros;
    if (!bits.take(8 * BYTES, last)) return found;
    while (i64(found.numbers.size()) < n) {
        if (!bits.take(rice::Coding<BYTES>::CODE, code)) return found;
        if (code > unsigned(rice::Coding<BYTES>::DIRECT)) {
            found.state = rice::UNKNOWN_CODE;
            return found;
        }
        for (i64 k = 0; k < blocksize && i64(found.numbers.size()) < n; ++k) {
            if (code == unsigned(rice::Coding<BYTES>::DIRECT)) {
                if (!bits.take(8 * BYTES, value)) return found;
            } else if (code > 0) {
                if (!bits.take_zeros(zeros) || !bits.take(int(code) - 1, value)) return found;
                value |= zeros << (code - 1);
            } else {
                value = 0;
            }
            last += value & 1u ? ~(value >> 1) : value >> 1;
            found.numbers.push_back(
                BYTES == 1 ? int(uint8_t(last)) : BYTES == 2 ? int(int16_t(last)) : int(int32_t(last)));
        }
    }
    found.state = bits.goes_on() ? rice::GOES_ON : rice::SOUND;
    return found;
}

template <int BYTES> Decoded decoded(const unsigned char *stream, i64 length, i64 n, i64 blocksize) {
    Decoded found = {0, {}};
    found.state = rice::decode<BYTES>(stream, length, n, blocksize, [&](i64 i, int number) {
        if (i != i64(found.numbers.size())) std::abort();
        found.numbers.push_back(number);
    });
    return found;
}

template <int BYTES> bool same(const unsigned char *stream, i64 length, i64 n, i64 blocksize) {
    return decoded<BYTES>(stream, length, n, blocksize) ==
           decoded_plainly<BYTES>(stream, length, n, blocksize);
}

// Whether an input is decoded as it should be.
bool attempt(const unsigned char *input, i64 size) {
    if (size < 4) return true;
    const unsigned char *stream = input + 4;
    const i64 length = size - 4, n = input[1] + 256 * (input[2] % 16), blocksize = input[3] + 1;
    switch (input[0] % 5) {
        case 0: return same<1>(stream, length, n, blocksize);
        case 1: return same<2>(stream, length, n, blocksize);
        case 2: return same<4>(stream, length, n, blocksize);
    }
    // A tile of HCOMPRESS_1 says its own size.
    const i64 tile[] = {0, length, 1 + input[1] % 64, 1 + input[2] % 64};
    int state = -1;
    hcompress::check_tiles(stream, tile, input[0] % 5 == 4, &state, nullptr, 0, 1);
    return state >= hcompress::SOUND && state < hcompress::NOT_FOLLOWED;
}

i64 attempt_of(const unsigned char *input, i64 size) { return attempt(input, size); }

SKYSHED_KERNEL("steps.attempt", attempt_of);

}  // namespace

SKYSHED_EXPORT int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
    if (!attempt(input, i64(size))) std::abort();
    return 0;
}
