// Histograms of columns, of all sources and of those that the filter keeps; magnitude against size.

const BINS = 48;
/** The picture of a chart, and what is left around it for axes. */
const CHART = { width: 420, height: 210, left: 44, right: 10, top: 10, bottom: 38 };
const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {string} [text]
 */
function drawn(tag, attributes, text = "") {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  if (text) made.textContent = text;
  return made;
}

/**
 * The range that holds all values but the outermost half percent on either side, widened a little.
 * @param {number[]} sorted
 */
function rangeOf(sorted) {
  const at = (/** @type {number} */ share) => sorted[Math.floor(share * (sorted.length - 1))];
  const [low, high] = [at(0.005), at(0.995)];
  const rim = (high - low) * 0.03 || Math.abs(low) * 0.05 || 0.5;
  return [Math.max(low - rim, Math.min(sorted[0], low)), Math.min(high + rim, Math.max(sorted[sorted.length - 1], high + rim * Number(low === high)))];
}

/**
 * Ticks at round values.
 * @param {number} low
 * @param {number} high
 */
function ticksOf(low, high) {
  const step0 = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(step0));
  const step = power * ([1, 2, 5, 10].find((each) => each * power >= step0) ?? 10);
  const ticks = [];
  for (let k = Math.ceil(low / step); k * step <= high + 1e-9 * step; k++) ticks.push(k * step);
  return ticks;
}

/**
 * A histogram whose bars can be clicked.
 * @param {Catalog} catalog
 * @param {Column} column
 * @param {{title: string, log?: boolean, counts?: boolean, note?: (bins: Bins) => string, mark?: (bins: Bins) => number | null}} options
 *   log: of the logarithm of the values; counts: a logarithmic axis of numbers
 */
function histogram(catalog, column, options) {
  const figure = element("figure");
  figure.append(element("figcaption", options.title));
  const values = /** @type {Values} */ (column.values);
  const of = options.log ? Math.log10 : (/** @type {number} */ value) => value;
  const sorted = [];
  for (const value of values) {
    const place = of(value);
    if (Number.isFinite(place)) sorted.push(place);
  }
  sorted.sort((a, b) => a - b);
  if (!sorted.length) {
    figure.append(element("p", "No source has a value."));
    return { figure, draw: () => {} };
  }
  const [low, high] = rangeOf(sorted);
  const whole = column.kind === "i4" && high - low < BINS;
  const n = whole ? Math.max(1, Math.round(high - low) + 1) : BINS;
  const [first, width] = whole ? [Math.round(low) - 0.5, 1] : [low, (high - low) / n || 1];
  const bins = binned(catalog, values, of, first, width, n, false);
  const inside = bins.counts.reduce((sum, each) => sum + each, 0);
  const { width: W, height: H, left, right, top, bottom } = CHART;
  const most = Math.max(...bins.counts, 1);
  const up = (/** @type {number} */ count) =>
    (H - top - bottom) * (options.counts ? (count ? (Math.log10(count) + 0.15) / (Math.log10(most) + 0.15) : 0) : count / most);
  const across = (/** @type {number} */ place) => left + ((place - first) / (n * width)) * (W - left - right);
  const peak = bins.counts.indexOf(most);
  const shown = (/** @type {number} */ place) => numberText(options.log ? 10 ** place : place, 4);
  const svg = drawn("svg", {
    viewBox: `0 0 ${W} ${H}`, role: "img",
    "aria-label": `${options.title}: ${inside} sources from ${shown(first)} to ${shown(first + n * width)} ${column.unit}; most, ${most}, near ${shown(first + (peak + 0.5) * width)}`,
  });
  const every = drawn("g", {}), kept = drawn("g", {}), hits = drawn("g", {});
  bins.counts.forEach((count, k) => {
    const x = across(first + k * width), w = across(first + (k + 1) * width) - x;
    every.append(drawn("rect", { class: "all", x: x + 0.5, width: Math.max(w - 1, 0.5), y: H - bottom - up(count), height: up(count) }));
    const hit = drawn("rect", { class: "hit", x, width: w, y: top, height: H - top - bottom });
    const [from, to] = [first + k * width, first + (k + 1) * width].map((each) => (options.log ? 10 ** each : each));
    hit.append(drawn("title", {}, `${count} from ${numberText(from, 4)} to ${numberText(to, 4)} ${column.unit}`));
    hit.addEventListener("click", () => addToFilter([`${column.name} >= ${numberText(from, 7)}`, `${column.name} < ${numberText(to, 7)}`]));
    hits.append(hit);
  });
  svg.append(every, kept);
  const place = options.mark?.(bins) ?? null;
  if (place !== null) svg.append(drawn("line", { class: "mark", x1: across(place), x2: across(place), y1: top, y2: H - bottom }));
  svg.append(drawn("line", { class: "axis", x1: left, x2: W - right, y1: H - bottom, y2: H - bottom }));
  for (const tick of ticksOf(first, first + n * width)) {
    svg.append(drawn("line", { class: "axis", x1: across(tick), x2: across(tick), y1: H - bottom, y2: H - bottom + 4 }));
    svg.append(drawn("text", { x: across(tick), y: H - bottom + 16, "text-anchor": "middle" }, shown(tick)));
  }
  const levels = options.counts
    ? [1, 10, 100, 1e3, 1e4, 1e5, 1e6].filter((each) => each <= most)
    : ticksOf(0, most).filter((each) => Number.isInteger(each));
  for (const level of levels) {
    svg.append(drawn("text", { x: left - 5, y: H - bottom - up(level) + 4, "text-anchor": "end" }, numberText(level)));
  }
  const unit = column.unit ? ` (${column.unit})` : "";
  svg.append(drawn("text", { x: (left + W - right) / 2, y: H - 5, "text-anchor": "middle" }, `${column.name}${unit}`));
  svg.append(hits);
  figure.append(svg);
  const outside = sorted.length - inside, none = catalog.n - sorted.length;
  const notes = [
    options.note?.(bins) ?? "", outside ? `${outside} beyond the axis.` : "",
    none ? `${none} without a value${options.log ? " above 0" : ""}.` : "",
  ].filter(Boolean);
  if (notes.length) figure.append(element("p", notes.join(" ")));
  const draw = () => {
    const some = binned(catalog, values, of, first, width, n, true);
    kept.replaceChildren(...some.counts.map((count, k) => {
      const x = across(first + k * width), w = across(first + (k + 1) * width) - x;
      return drawn("rect", { class: "on", x: x + 0.5, width: Math.max(w - 1, 0.5), y: H - bottom - up(count), height: up(count) });
    }));
  };
  draw();
  return { figure, draw };
}

/** @typedef {{first: number, width: number, counts: number[]}} Bins */

/**
 * @param {Catalog} catalog
 * @param {Values} values
 * @param {(value: number) => number} of
 * @param {number} first
 * @param {number} width
 * @param {number} n
 * @param {boolean} keptOnly
 * @returns {Bins}
 */
function binned(catalog, values, of, first, width, n, keptOnly) {
  const counts = new Array(n).fill(0);
  for (let row = 0; row < catalog.n; row++) {
    if (keptOnly && !catalog.kept[row]) continue;
    const bin = Math.floor((of(values[row]) - first) / width);
    if (bin >= 0 && bin < n) counts[bin]++;
    else if (bin === n && of(values[row]) <= first + n * width) counts[n - 1]++;
  }
  return { first, width, counts };
}

/**
 * Where counts may turn over: the middle of the fullest of the bins, smoothed over three.
 * @param {Bins} bins
 */
function turnover({ first, width, counts }) {
  const smooth = counts.map((each, k) => each + (counts[k - 1] ?? 0) + (counts[k + 1] ?? 0));
  const peak = smooth.indexOf(Math.max(...smooth));
  return counts.reduce((sum, each) => sum + each, 0) < 50 ? null : first + (peak + 0.5) * width;
}

/**
 * Add conditions to the filter, in place of those on the same column that it has.
 * @param {string[]} conditions
 */
function addToFilter(conditions) {
  const box = field("filter");
  const name = conditions[0].split(" ")[0];
  const others = box.value.split(",").map((each) => each.trim())
    .filter((each) => each && each.split(/[ <>=!&~]/)[0] !== name);
  box.value = [...others, ...conditions].join(", ");
  /** @type {HTMLFormElement} */ (byId("filter-form")).requestSubmit();
}

/**
 * A scatter of two columns, of which a click selects the nearest source.
 * @param {Catalog} catalog
 * @param {Column} one
 * @param {Column} other drawn by its logarithm
 * @param {string} title
 */
function scatter(catalog, one, other, title) {
  const figure = element("figure");
  figure.append(element("figcaption", title));
  const canvas = document.createElement("canvas");
  const { width: W, height: H, left, right, top, bottom } = CHART;
  canvas.width = 2 * W;
  canvas.height = 2 * H;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${title}: a point for each source; stars lie on a line of equal size`);
  const xs = /** @type {Values} */ (one.values), ys = /** @type {Values} */ (other.values);
  const finite = (/** @type {Values} */ values, /** @type {(v: number) => number} */ of) =>
    Array.from(values, of).filter(Number.isFinite).sort((a, b) => a - b);
  const [allX, allY] = [finite(xs, Number), finite(ys, Math.log10)];
  if (!allX.length || !allY.length) return null;
  const [x0, x1] = rangeOf(allX), [y0, y1] = rangeOf(allY);
  const across = (/** @type {number} */ x) => left + ((x - x0) / (x1 - x0)) * (W - left - right);
  const down = (/** @type {number} */ y) => H - bottom - ((Math.log10(y) - y0) / (y1 - y0)) * (H - top - bottom);
  function draw() {
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const style = getComputedStyle(document.documentElement);
    const colour = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
    context.setTransform(2, 0, 0, 2, 0, 0);
    context.clearRect(0, 0, W, H);
    for (const keep of [0, 1]) {
      context.fillStyle = colour(keep ? "--bar-on" : "--bar");
      context.globalAlpha = catalog.n > 5000 ? 0.35 : 0.7;
      context.beginPath();
      for (let row = 0; row < catalog.n; row++) {
        if (catalog.kept[row] !== keep) continue;
        const [x, y] = [across(xs[row]), down(ys[row])];
        if (x >= left && x <= W - right && y >= top && y <= H - bottom) context.rect(x - 0.8, y - 0.8, 1.6, 1.6);
      }
      context.fill();
    }
    context.globalAlpha = 1;
    if (catalog.selected >= 0) {
      context.strokeStyle = colour("--mark");
      context.lineWidth = 2;
      context.beginPath();
      context.arc(across(xs[catalog.selected]), down(ys[catalog.selected]), 5, 0, 2 * Math.PI);
      context.stroke();
    }
    context.strokeStyle = colour("--quiet");
    context.lineWidth = 1;
    context.strokeRect(left, top, W - left - right, H - top - bottom);
    context.fillStyle = colour("--ink");
    context.font = "13px system-ui, sans-serif";
    context.textAlign = "center";
    for (const tick of ticksOf(x0, x1)) context.fillText(numberText(tick), across(tick), H - bottom + 15);
    const unit = (/** @type {Column} */ column) => (column.unit ? ` (${column.unit})` : "");
    context.fillText(`${one.name}${unit(one)}`, (left + W - right) / 2, H - 5);
    context.textAlign = "right";
    for (let k = Math.floor(y0); k <= y1; k++) {
      for (const each of [1, 2, 5].map((digit) => digit * 10 ** k)) {
        if (down(each) >= top && down(each) <= H - bottom) context.fillText(numberText(each), left - 4, down(each) + 4);
      }
    }
    context.textAlign = "left";
    context.fillText(`${other.name}${unit(other)}`, left + 4, top + 11);
  }
  canvas.addEventListener("click", (event) => {
    const box = canvas.getBoundingClientRect();
    const [px, py] = [((event.clientX - box.left) / box.width) * W, ((event.clientY - box.top) / box.height) * H];
    let best = -1, least = 100;
    for (let row = 0; row < catalog.n; row++) {
      const distance = (across(xs[row]) - px) ** 2 + (down(ys[row]) - py) ** 2;
      if (catalog.kept[row] && distance < least) [best, least] = [row, distance];
    }
    if (best >= 0) catalog.select(best, true);
  });
  figure.append(canvas);
  draw();
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  catalog.addEventListener("selected", draw);
  return { figure, draw };
}

/**
 * Show the charts that the columns allow.
 * @param {Catalog} catalog
 */
function makeCharts(catalog) {
  const room = byId("charts");
  if (!catalog.n) {
    room.append(element("p", "There are no sources."));
    return;
  }
  const numeric = catalog.columns.filter((column) => column.kind !== "text");
  const named = (/** @type {RegExp[]} */ ...patterns) =>
    patterns.map((pattern) => numeric.find((column) => pattern.test(column.name))).find(Boolean);
  const magnitude = named(/^kron_abmag/, /^kron_mag/, /_(ab)?mag(_|$)/);
  const flux = named(/^kron_flux(_|$)/, /^segment_flux(_|$)/, /flux(_|$)/);
  const size = named(/^fluxfrac_radius_?/, /^semimajor_sigma$/, /radius/);
  const error = flux && catalog.byName.get(flux.name.replace("flux", "fluxerr"));
  /** @type {{figure: HTMLElement, draw: () => void}[]} */
  const charts = [];
  const counted = magnitude ?? flux;
  if (counted) {
    const isLog = counted !== magnitude;
    const name = isLog ? "flux" : "magnitude";
    charts.push(histogram(catalog, counted, {
      title: `Number counts by ${name}`, log: isLog, counts: true, mark: turnover,
      note: (bins) => {
        const at = turnover(bins);
        return at === null ? "" : `Most sources are at ${numberText(isLog ? 10 ** at : at, 4)}${counted.unit ? ` ${counted.unit}` : ""} (dashed). Where counts rise up to there and fall beyond, fainter sources are increasingly missed.`;
      },
    }));
  }
  if (size) charts.push(histogram(catalog, size, { title: "Sizes" }));
  if (flux && error && error.kind !== "text") {
    const [signal, noise] = [flux, error].map((column) => /** @type {Values} */ (column.values));
    const ratio = {
      name: "signal-to-noise", unit: "", description: `${flux.name} / ${error.name}`, kind: "f4",
      values: Float32Array.from(signal, (value, row) => value / noise[row]),
    };
    catalog.byName.set(ratio.name, ratio); // so that the filter knows it
    /** @type {number[]} */
    const faint = [];
    if (magnitude) {
      const mags = /** @type {Values} */ (magnitude.values);
      for (let row = 0; row < catalog.n; row++) {
        const each = ratio.values[row];
        if (each > 4 && each < 6 && Number.isFinite(mags[row])) faint.push(mags[row]);
      }
    }
    faint.sort((a, b) => a - b);
    charts.push(histogram(catalog, ratio, {
      title: "Signal-to-noise ratio", log: true,
      note: () => faint.length < 5 ? "" : `Sources with a ratio of 4 to 6 have a median ${magnitude?.name} of ${numberText(faint[faint.length >> 1], 4)} ${magnitude?.unit}.`,
    }));
  }
  if (counted === magnitude && magnitude && size) {
    const chart = scatter(catalog, magnitude, size, "Magnitude and size");
    if (chart) charts.push(chart);
  }
  room.append(...charts.map((chart) => chart.figure));
  const own = element("figure"), label = element("label", "Column "), choice = document.createElement("select");
  for (const column of numeric) choice.add(new Option(column.name));
  const fallback = named(/eccentricity/, /ellipticity/, /^area$/);
  if (fallback) choice.value = fallback.name;
  label.append(choice);
  /** @type {{figure: HTMLElement, draw: () => void} | null} */
  let chosen = null;
  const change = () => {
    const column = /** @type {Column} */ (catalog.byName.get(choice.value));
    const numbers = /** @type {Values} */ (column.values);
    let least = Infinity, most = -Infinity;
    for (const value of numbers) {
      if (value < least) least = value;
      if (value > most && value < Infinity) most = value;
    }
    const next = histogram(catalog, column, { title: column.description || column.name, log: least > 0 && most > 300 * least });
    chosen?.figure.remove();
    chosen = next;
    own.append(next.figure);
  };
  own.append(label);
  choice.addEventListener("change", change);
  change();
  room.append(own);
  catalog.addEventListener("rows", () => [...charts, chosen].forEach((chart) => chart?.draw()));
}
