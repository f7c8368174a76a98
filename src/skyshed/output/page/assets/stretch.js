// From values of pixels to colours.

/** @typedef {"asinh" | "linear" | "log" | "sqrt"} Curve */
/** @typedef {{curve: Curve, colours: string, black: number, white: number, softening: number}} Stretch */

/** Red, green, blue, opacity of pixels that are masked or not finite. */
const MASKED = [32, 42, 110, 255];

/**
 * Where a value lies between black, 0, and white, 1.
 * @param {number} value
 * @param {Stretch} stretch
 */
function stretched(value, { curve, black, white, softening }) {
  const t = Math.min(Math.max((value - black) / (white - black || 1), 0), 1);
  if (curve === "linear") return t;
  if (curve === "sqrt") return Math.sqrt(t);
  if (curve === "log") return Math.log1p(1000 * t) / Math.log1p(1000);
  const scale = Math.max((white - black) / softening, 1e-3);
  return Math.asinh(t * scale) / Math.asinh(scale);
}

/**
 * The colour of a place between black and white.
 * @param {number} t from 0 to 1
 * @param {string} colours
 * @returns {[number, number, number]}
 */
function colourOf(t, colours) {
  if (colours === "heat") {
    return [255 * Math.min(1, 2.2 * t), 255 * Math.min(1, Math.max(0, 1.8 * t - 0.55)), 255 * Math.max(0, 3 * t - 2)];
  }
  const grey = 255 * (colours === "inverted" ? 1 - t : t);
  return [grey, grey, grey];
}

/**
 * The colours of all codes of a tile, one 32-bit pixel each.
 * @param {number[]} coding scale, low and step of the tile: value = scale sinh(low + (code - 1) step)
 * @param {Stretch} stretch
 */
function coloursOfCodes([scale, low, step], stretch) {
  const bytes = new Uint8ClampedArray(4 * 256);
  bytes.set(MASKED, 0);
  for (let code = 1; code < 256; code++) {
    const value = scale * Math.sinh(low + (code - 1) * step);
    bytes.set([...colourOf(stretched(value, stretch), stretch.colours), 255], 4 * code);
  }
  return new Uint32Array(bytes.buffer);
}

/**
 * A muted colour that tells a label from its neighbours.
 * @param {number} label
 * @returns {[number, number, number]}
 */
function colourOfLabel(label) {
  const hash = Math.imul(label, 2654435761) >>> 0;
  const hue = (hash >>> 8) % 360, saturation = 0.35 + 0.35 * ((hash & 15) / 15);
  const value = 0.65 + 0.35 * (((hash >>> 4) & 15) / 15);
  /** @param {number} n */
  const channel = (n) => {
    const k = (n + hue / 60) % 6;
    return 255 * value * (1 - saturation * Math.max(0, Math.min(k, 4 - k, 1)));
  };
  return [channel(5), channel(3), channel(1)];
}
