// Layers of pixels: tiles of the pyramid, coloured in the browser; what is missing at a level is
// drawn from coarser tiles, and finer ones over them where there are some.

/** Pixels along a side of a tile. */
const TILE = 512;
const cache = new BlockCache(160);

/**
 * @typedef {object} Pyramid
 * @property {number} finest
 * @property {number} coarsest
 * @property {Record<string, number[]>} tiles block, width, height and coding, by "level/x/y"
 */

/**
 * A tile of pixels, and which part of what is drawn it covers.
 * @typedef {{tile: number[], level: number, x: number, y: number}} Found
 */

/**
 * The tiles that show a square of the image, the coarsest first.
 * @param {Pyramid} pyramid
 * @param {number} level
 * @param {number} x
 * @param {number} y
 * @returns {Found[]}
 */
function tilesOf(pyramid, level, x, y) {
  /** @type {Found[]} */
  const found = [];
  for (let up = level; up <= pyramid.coarsest; up++) {
    const shift = up - level;
    const tile = pyramid.tiles[`${up}/${x >> shift}/${y >> shift}`];
    if (!tile) continue;
    found.push({ tile, level: up, x: x >> shift, y: y >> shift });
    break;
  }
  if (level > 0 && level < pyramid.finest) {
    const n = 1 << level;
    for (let j = y * n; j < (y + 1) * n; j++) {
      for (let i = x * n; i < (x + 1) * n; i++) {
        const tile = pyramid.tiles[`0/${i}/${j}`];
        if (tile) found.push({ tile, level: 0, x: i, y: j });
      }
    }
  }
  return found;
}

/**
 * A picture of a tile's pixels, the first row at the bottom.
 * @param {number} width
 * @param {number} height
 * @param {(pixels: Uint32Array) => void} fill
 */
function pictureOf(width, height, fill) {
  const picture = document.createElement("canvas");
  picture.width = width;
  picture.height = height;
  const data = new ImageData(width, height);
  fill(new Uint32Array(data.data.buffer));
  /** @type {CanvasRenderingContext2D} */ (picture.getContext("2d")).putImageData(data, 0, 0);
  return picture;
}

/**
 * A layer of Leaflet's whose tiles can be painted anew in place, without a flicker.
 * @param {(canvas: HTMLCanvasElement, level: number, x: number, y: number) => Promise<void>} paint
 * @param {L.GridLayerOptions} options
 */
function paintedLayer(paint, options) {
  /** @type {Map<HTMLElement, {level: number, x: number, y: number}>} */
  const live = new Map();
  const Painted = L.GridLayer.extend({
    /**
     * @param {L.Coords} coords
     * @param {(error: Error | undefined, tile: HTMLElement) => void} done
     */
    createTile(coords, done) {
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = TILE;
      if (coords.z >= 0) canvas.className = "crisp";
      const place = { level: -coords.z, x: coords.x, y: -1 - coords.y };
      live.set(canvas, place);
      paint(canvas, place.level, place.x, place.y).then(
        () => done(undefined, canvas),
        (error) => done(error, canvas),
      );
      return canvas;
    },
  });
  /** @type {L.GridLayer} */
  const layer = new /** @type {any} */ (Painted)(options);
  layer.on("tileunload", (event) => live.delete(/** @type {any} */ (event).tile));
  const repaint = () => Promise.all(
    [...live].map(([canvas, { level, x, y }]) => paint(/** @type {HTMLCanvasElement} */ (canvas), level, x, y)),
  );
  return { layer, repaint };
}

/**
 * A painter of tiles of a pyramid.
 * @param {Pyramid} pyramid
 * @param {"u1" | "i4"} kind
 * @param {(tile: number[], values: Values, pixels: Uint32Array) => void} colour colours the pixels of
 *   a tile, of which the first row of values is the lowest
 */
function pyramidPainter(pyramid, kind, colour) {
  /** @type {WeakMap<HTMLCanvasElement, number>} */
  const turns = new WeakMap();
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {number} level
   * @param {number} x
   * @param {number} y
   */
  return async (canvas, level, x, y) => {
    const turn = (turns.get(canvas) ?? 0) + 1;
    turns.set(canvas, turn);
    const found = tilesOf(pyramid, level, x, y);
    const read = await Promise.all(found.map(({ tile }) => cache.read(tile[0], kind)));
    if (turns.get(canvas) !== turn) return; // it is to be painted anew by now
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.clearRect(0, 0, TILE, TILE);
    context.imageSmoothingEnabled = false;
    found.forEach(({ tile, level: own, x: i, y: j }, k) => {
      const [, width, height] = tile;
      const picture = pictureOf(width, height, (pixels) => colour(tile, read[k], pixels));
      const zoom = 2 ** (own - level);
      const left = (i * TILE * zoom) - x * TILE;
      const bottom = TILE - (j * TILE * zoom - y * TILE);
      context.drawImage(picture, left, bottom - height * zoom, width * zoom, height * zoom);
    });
  };
}

/**
 * Fill pixels from values whose first row is the lowest.
 * @param {Uint32Array} pixels
 * @param {Values} values
 * @param {number} width
 * @param {Uint32Array} colours by value
 */
function fillFlipped(pixels, values, width, colours) {
  const height = pixels.length / width;
  for (let row = 0; row < height; row++) {
    let to = (height - 1 - row) * width;
    for (let from = row * width; from < (row + 1) * width; from++) pixels[to++] = colours[values[from]];
  }
}

/**
 * A painter of the edges of segments, or of their areas.
 * @param {Pyramid} pyramid
 * @param {() => boolean} filled
 */
function labelPainter(pyramid, filled) {
  return pyramidPainter(pyramid, "i4", ([, width, height], labels, pixels) => {
    const area = filled();
    const bytes = new Uint8Array(pixels.buffer);
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const at = row * width + column, label = labels[at];
        if (!label) continue;
        const edge = !area && (
          (column > 0 && labels[at - 1] !== label) || (column < width - 1 && labels[at + 1] !== label) ||
          (row > 0 && labels[at - width] !== label) || (row < height - 1 && labels[at + width] !== label)
        );
        if (!area && !edge) continue;
        const to = 4 * ((height - 1 - row) * width + column);
        const [red, green, blue] = colourOfLabel(label);
        bytes[to] = red;
        bytes[to + 1] = green;
        bytes[to + 2] = blue;
        bytes[to + 3] = area ? 150 : 255;
      }
    }
  });
}

/**
 * A painter of masked pixels alone.
 * @param {Pyramid} pyramid
 */
function maskPainter(pyramid) {
  const colours = new Uint32Array(256);
  new Uint8Array(colours.buffer).set([70, 110, 255, 210], 0);
  return pyramidPainter(pyramid, "u1", ([, width], codes, pixels) => fillFlipped(pixels, codes, width, colours));
}

/**
 * A painter of a map that is known by its boxes, smoothly between their centres.
 * @param {{shape: number[], box: number[], block: number}} map
 * @param {number[]} shape of the image
 * @param {() => Stretch} stretchNow
 */
function mapPainter(map, shape, stretchNow) {
  const [rows, columns] = map.shape;
  const [boxHeight, boxWidth] = map.box;
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {number} level
   * @param {number} x
   * @param {number} y
   */
  return async (canvas, level, x, y) => {
    const values = await cache.read(map.block, "f4");
    const stretch = stretchNow();
    const picture = pictureOf(columns, rows, (pixels) => {
      const bytes = new Uint8ClampedArray(pixels.buffer);
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++) {
          const value = values[row * columns + column];
          const colour = colourOf(stretched(value, stretch), stretch.colours);
          bytes.set(Number.isFinite(value) ? [...colour, 255] : MASKED, 4 * ((rows - 1 - row) * columns + column));
        }
      }
    });
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const scale = 2 ** -level;
    context.save();
    context.clearRect(0, 0, TILE, TILE);
    const left = -x * TILE, bottom = TILE + y * TILE;
    context.beginPath();
    context.rect(left, bottom - shape[0] * scale, shape[1] * scale, shape[0] * scale);
    context.clip();
    const width = columns * boxWidth * scale, height = rows * boxHeight * scale;
    context.drawImage(picture, left, bottom - height, width, height);
    context.restore();
  };
}
