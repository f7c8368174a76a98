// Runs: stretches of pixels of one kind within a row, in words of bits of any width; the lowest bit
// is the leftmost pixel.
#pragma once
#include "skyshed/kernels/both.h"

namespace runs {

// Where runs start in a word of pixels that are inside; before says whether the pixel left of it is.
template <class Word> SKYSHED_BOTH Word starts(Word inside, bool before) {
    return inside & ~(inside << 1 | Word(before));
}

// Where they end; after says whether the pixel right of the word is inside.
template <class Word> SKYSHED_BOTH Word ends(Word inside, bool after) {
    return inside & ~(inside >> 1 | Word(after) << (8 * sizeof(Word) - 1));
}

}  // namespace runs
