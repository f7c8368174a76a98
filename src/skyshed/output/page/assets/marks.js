// What is drawn over the pixels: apertures, doubtful sources, the selected one.

/** Colours of lines; what they mean is in the legend, which is made from this table. */
const LINES = {
  aperture: "#ff5a4d",
  doubtful: "#ffc22e",
  chosen: "#35e0ff",
};
/** Apertures of fewer pixels of the screen are drawn as squares of `DOT` pixels. */
const LEAST = 2, DOT = 3;
/** The share of the image that marks may cover before they are drawn paler, and how pale at most. */
const COVER = 0.08, PALEST = 0.15;
/** How far beyond the window is drawn, in its sizes, so that panning shows no empty rim. */
const BEYOND = 0.5;

/**
 * @typedef {object} Places
 * @property {Values} x
 * @property {Values} y
 * @property {Float32Array | null} ellipses x, y, a, b, theta of all rows, one after the other
 * @property {Values | null} doubts the flags of each source that make it doubtful
 */

/**
 * A layer of Leaflet's that draws marks of sources. It moves with the image as one picture, and is
 * drawn anew when the image rests: panning costs nothing, however many sources there are.
 * @param {Catalog} catalog
 * @param {Places} places
 * @param {{apertures: boolean, doubtful: boolean}} shown
 * @param {number} extent the pixels of the image
 */
function marksLayer(catalog, places, shown, extent) {
  const canvas = document.createElement("canvas");
  canvas.style.position = "absolute";
  canvas.style.pointerEvents = "none";
  const Marks = L.Layer.extend({
    /** @param {L.Map} map */
    onAdd(map) {
      map.getPane("overlayPane")?.appendChild(canvas);
      map.on("moveend zoom viewreset resize", draw);
      draw();
    },
    /** @param {L.Map} map */
    onRemove(map) {
      canvas.remove();
      map.off("moveend zoom viewreset resize", draw);
    },
  });
  /** @type {L.Layer & {_map: L.Map}} */
  const layer = new /** @type {any} */ (Marks)();

  function draw() {
    const map = layer._map;
    if (!map) return;
    const size = map.getSize(), ratio = window.devicePixelRatio || 1;
    const corner = map.containerPointToLayerPoint(size.multiplyBy(-BEYOND)).round();
    const width = size.x * (1 + 2 * BEYOND), height = size.y * (1 + 2 * BEYOND);
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    L.DomUtil.setPosition(canvas, corner);
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.scale(ratio, ratio);
    const zoom = 2 ** map.getZoom();
    const origin = map.latLngToLayerPoint([0, 0]).subtract(corner);
    /** @param {number} x */
    const across = (x) => origin.x + (x + 0.5) * zoom;
    /** @param {number} y */
    const down = (y) => origin.y - (y + 0.5) * zoom;
    const { x, y, ellipses, doubts } = places;
    const n = catalog.n;
    // Apertures of so many sources would hide the image: they are paler then, and dots smaller.
    const drawn = catalog.rows.length * DOT ** 2;
    const room = COVER * Math.max(zoom ** 2 * extent, 1);
    const dot = drawn > 4 * room ? 1.5 : DOT;
    /**
     * @param {CanvasRenderingContext2D} path
     * @param {number} row
     */
    const outline = (path, row) => {
      const a = ellipses ? ellipses[2 * n + row] * zoom : NaN;
      const b = ellipses ? ellipses[3 * n + row] * zoom : NaN;
      if (!(a >= LEAST)) {
        path.rect(across(x[row]) - dot / 2, down(y[row]) - dot / 2, dot, dot);
        return;
      }
      const theta = -(/** @type {Float32Array} */ (ellipses)[4 * n + row] * Math.PI) / 180;
      const cx = across(/** @type {Float32Array} */ (ellipses)[row]);
      const cy = down(/** @type {Float32Array} */ (ellipses)[n + row]);
      path.moveTo(cx + a * Math.cos(theta), cy + a * Math.sin(theta));
      path.ellipse(cx, cy, a, Math.max(b, 0.1), theta, 0, 2 * Math.PI);
    };
    for (const kind of /** @type {("aperture" | "doubtful")[]} */ (["aperture", "doubtful"])) {
      if (!(kind === "aperture" ? shown.apertures : shown.doubtful)) continue;
      context.beginPath();
      for (let row = 0; row < n; row++) {
        if (!catalog.kept[row]) continue;
        const doubtful = shown.doubtful && doubts !== null && doubts[row] !== 0;
        if (doubtful !== (kind === "doubtful")) continue;
        const left = across(x[row]), top = down(y[row]);
        // Where a is not known, or far larger than usual, this leaves out only what is far away.
        const reach = ellipses && ellipses[2 * n + row] > 0 ? ellipses[2 * n + row] * zoom : DOT;
        if (left < -reach || top < -reach || left > width + reach || top > height + reach) continue;
        outline(context, row);
      }
      context.strokeStyle = LINES[kind];
      context.lineWidth = dot < DOT ? 0.6 : 1.2;
      context.globalAlpha = Math.min(1, Math.max(PALEST, room / drawn));
      context.stroke();
    }
    context.globalAlpha = 1;
    const row = catalog.selected;
    if (row >= 0) {
      context.strokeStyle = LINES.chosen;
      context.lineWidth = 2.5;
      context.beginPath();
      outline(context, row);
      context.stroke();
      const cx = across(x[row]), cy = down(y[row]);
      const a = ellipses && ellipses[2 * n + row] > 0 ? ellipses[2 * n + row] * zoom : 0;
      const gap = Math.max(a, 6) + 4;
      context.beginPath();
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        context.moveTo(cx + dx * gap, cy + dy * gap);
        context.lineTo(cx + dx * (gap + 12), cy + dy * (gap + 12));
      }
      context.stroke();
    }
  }
  return { layer, draw };
}

/**
 * The source at a place of the image: the nearest one whose aperture holds it, else the nearest
 * within some pixels; -1 if there is none.
 * @param {Catalog} catalog
 * @param {Places} places
 * @param {number} px
 * @param {number} py
 * @param {number} slack
 */
function sourceAt(catalog, { x, y, ellipses }, px, py, slack) {
  const n = catalog.n;
  let best = -1, least = Infinity;
  for (let row = 0; row < n; row++) {
    if (!catalog.kept[row]) continue;
    const distance = Math.hypot(x[row] - px, y[row] - py);
    const reach = Math.max(slack, ellipses && ellipses[3 * n + row] > 0 ? ellipses[3 * n + row] : 0);
    if (distance <= reach && distance < least) [best, least] = [row, distance];
  }
  return best;
}
