// Arrays of the page: base64 of zlib streams, whose bytes were taken apart by significance.

/** @typedef {Uint8Array | Int32Array | Float32Array | Float64Array} Values */
/** @typedef {"u1" | "i4" | "f4" | "f8"} Kind */

/** @type {Record<Kind, {size: number, of: (buffer: ArrayBuffer) => Values}>} */
const KINDS = {
  u1: { size: 1, of: (buffer) => new Uint8Array(buffer) },
  i4: { size: 4, of: (buffer) => new Int32Array(buffer) },
  f4: { size: 4, of: (buffer) => new Float32Array(buffer) },
  f8: { size: 8, of: (buffer) => new Float64Array(buffer) },
};

/**
 * Read an array of the page.
 * @param {number} block its number
 * @param {Kind} kind the type of its values
 * @returns {Promise<Values>}
 */
async function readBlock(block, kind) {
  const text = document.getElementById(`block-${block}`)?.textContent ?? "";
  const binary = atob(text);
  const packed = new Uint8Array(binary.length);
  for (let i = 0; i < packed.length; i++) packed[i] = binary.charCodeAt(i);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const { size, of } = KINDS[kind];
  if (size === 1) return of(bytes.buffer);
  const joined = new Uint8Array(bytes.length);
  const n = bytes.length / size;
  for (let byte = 0; byte < size; byte++) {
    for (let i = 0, from = byte * n, to = byte; i < n; i++, to += size) joined[to] = bytes[from + i];
  }
  return of(joined.buffer);
}

/**
 * Read texts of the page, which are lines of UTF-8.
 * @param {number | null} block
 * @returns {Promise<string[]>}
 */
async function readLines(block) {
  if (block === null) return [];
  return new TextDecoder().decode(/** @type {Uint8Array} */ (await readBlock(block, "u1"))).split("\n");
}

/** Keeps what was read last, so that panning back and forth decodes nothing twice. */
class BlockCache {
  /** @param {number} most how many blocks are kept */
  constructor(most) {
    this.most = most;
    /** @type {Map<number, Promise<Values>>} */
    this.kept = new Map();
  }

  /**
   * Read a block, or return it from those kept.
   * @param {number} block
   * @param {Kind} kind
   */
  read(block, kind) {
    const values = this.kept.get(block) ?? readBlock(block, kind);
    this.kept.delete(block);
    this.kept.set(block, values);
    if (this.kept.size > this.most) this.kept.delete(this.kept.keys().next().value ?? block);
    return values;
  }
}
