// The image: layers, stretch, zoom, and what is under the pointer.

/**
 * @typedef {object} About what the page knows; see document.py
 * @property {string} title
 * @property {[number, number]} shape
 * @property {number} n_sources
 * @property {{n: number, columns: any[], left_out: string[]}} table
 * @property {number | null} ellipses
 * @property {string} ellipses_are
 * @property {any[]} maps
 * @property {(Pyramid & {name: string, unit: string, noise: number})[]} images
 * @property {Pyramid | null} labels
 * @property {{cells: number, block: number} | null} sky
 * @property {{bit: number, name: string, about: string, when: string}[]} flags
 * @property {number} usual_flags the bits that make no source doubtful
 * @property {{group: string, rows: {name: string, value: string, default: string, unit: string, about: string, changed: boolean}[]}[]} parameters
 * @property {[string, string][]} record
 * @property {{name: string, seconds: number}[]} times
 * @property {{names: string[], rows: string[][], of: number} | null} tiles
 * @property {string[]} notes
 */

/** Where white is at first: the noise, times this. */
const WHITE_AT = 40, BLACK_AT = -2;
/** Levels of zoom beyond a pixel of the image for a pixel of the screen. */
const CLOSEST = 5;

/**
 * Find an element of the page.
 * @param {string} id
 */
function byId(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/**
 * Find an element of the page that has a value.
 * @param {string} id
 */
function field(id) {
  return /** @type {HTMLInputElement} */ (document.getElementById(id));
}

/**
 * Make an element with text; text is never markup.
 * @param {string} tag
 * @param {string} [text]
 * @param {string} [className]
 */
function element(tag, text = "", className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

/**
 * Positions on the sky, interpolated between directions on a lattice.
 * @param {Values} vectors
 * @param {number} cells
 * @param {[number, number]} shape
 */
function skyOf(vectors, cells, [ny, nx]) {
  const side = cells + 1;
  /**
   * @param {number} x
   * @param {number} y
   */
  return (x, y) => {
    const u = Math.min(Math.max(((x + 0.5) / nx) * cells, 0), cells);
    const v = Math.min(Math.max(((y + 0.5) / ny) * cells, 0), cells);
    const i = Math.min(Math.floor(u), cells - 1), j = Math.min(Math.floor(v), cells - 1);
    const [p, q, r] = [0, 1, 2].map((k) => {
      /**
       * @param {number} a
       * @param {number} b
       */
      const at = (a, b) => vectors[3 * (b * side + a) + k];
      const low = at(i, j) * (i + 1 - u) + at(i + 1, j) * (u - i);
      const high = at(i, j + 1) * (i + 1 - u) + at(i + 1, j + 1) * (u - i);
      return low * (j + 1 - v) + high * (v - j);
    });
    const ra = ((Math.atan2(q, p) * 180) / Math.PI + 360) % 360;
    return { ra, dec: (Math.atan2(r, Math.hypot(p, q)) * 180) / Math.PI };
  };
}

/**
 * Degrees as hours or degrees, minutes and seconds.
 * @param {number} degrees
 * @param {boolean} hours
 */
function sexagesimal(degrees, hours) {
  const digits = hours ? 3 : 2;
  const unit = 10 ** digits;
  let rest = Math.round((Math.abs(degrees) / (hours ? 15 : 1)) * 3600 * unit);
  const seconds = (rest % (60 * unit)) / unit;
  rest = Math.floor(rest / (60 * unit));
  const sign = hours ? "" : degrees < 0 ? "−" : "+";
  /** @param {number} value */
  const two = (value) => String(value).padStart(2, "0");
  return `${sign}${two(Math.floor(rest / 60))}:${two(rest % 60)}:${seconds.toFixed(digits).padStart(3 + digits, "0")}`;
}

/**
 * Show the image with all its layers.
 * @param {About} about
 * @param {Catalog} catalog
 * @param {Places | null} places
 * @param {((x: number, y: number) => {ra: number, dec: number}) | null} sky
 */
function makeViewer(about, catalog, places, sky) {
  const [ny, nx] = about.shape;
  const all = L.latLngBounds([0, 0], [ny, nx]);
  const coarsest = Math.max(0, ...about.images.map((each) => each.coarsest), about.labels?.coarsest ?? 0,
    Math.ceil(Math.log2(Math.max(ny, nx) / TILE)));
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const map = L.map("map", {
    crs: L.CRS.Simple, attributionControl: false, zoomControl: true,
    minZoom: -coarsest - 1, maxZoom: CLOSEST, zoomSnap: 0.25, zoomDelta: 0.5, wheelPxPerZoomLevel: 120,
    zoomAnimation: false, fadeAnimation: false, inertia: !calm, boxZoom: true, doubleClickZoom: true,
    maxBounds: all.pad(2),
  });
  const options = {
    tileSize: TILE, minNativeZoom: -coarsest, maxNativeZoom: 0, minZoom: -coarsest - 1, maxZoom: CLOSEST,
    bounds: L.latLngBounds([0.01, 0.01], [ny - 0.01, nx - 0.01]), noWrap: true, keepBuffer: 1,
  };
  const element_ = map.getContainer();

  // Base layers, one at a time.
  /** @type {Stretch} */
  const stretch = { curve: "asinh", colours: "grey", black: 0, white: 1, softening: 1 };
  const bases = [
    ...about.images.map((image) => ({
      name: image.name, unit: image.unit, low: -8 * image.noise, high: 3000 * image.noise,
      black: BLACK_AT * image.noise, white: WHITE_AT * image.noise, softening: 3 * image.noise,
      ...paintedLayer(
        pyramidPainter(image, "u1", ([, width, , ...coding], codes, pixels) =>
          fillFlipped(pixels, codes, width, coloursOfCodes(coding, stretch))),
        options,
      ),
    })),
    ...about.maps.map((each) => {
      const span = each.high - each.low || Math.abs(each.low) || 1;
      return {
        name: each.name, unit: each.unit, low: each.low - span / 2, high: each.high + span / 2,
        black: each.low, white: each.high, softening: span * 1e3,
        ...paintedLayer(mapPainter(each, about.shape, () => stretch), options),
      };
    }),
  ];
  const base = /** @type {HTMLSelectElement} */ (byId("base"));
  const black = field("black");
  const white = field("white");
  let now = bases[0];
  /** Sliders run evenly in asinh of the value, so that noise and stars both have room. */
  const slider = {
    /** @param {number} t */
    value: (t) => {
      const [low, high] = [now.low, now.high].map((each) => Math.asinh(each / now.softening));
      return now.softening * Math.sinh(low + (t / 1000) * (high - low));
    },
    /** @param {number} value */
    place: (value) => {
      const [low, high, at] = [now.low, now.high, value].map((each) => Math.asinh(each / now.softening));
      return String(Math.round((1000 * (at - low)) / (high - low)));
    },
  };
  const bar = document.createElement("canvas");
  bar.width = 256;
  bar.height = 1;
  const ends = element("div", "", "ends");
  const ColourBar = L.Control.extend({
    options: { position: "bottomright" },
    onAdd() {
      const plate = element("div", "", "leaflet-control plate");
      plate.append(bar, ends);
      return plate;
    },
  });
  new ColourBar().addTo(map);

  function showBar() {
    const picture = new ImageData(256, 1);
    for (let i = 0; i < 256; i++) {
      const value = stretch.black + (i / 255) * (stretch.white - stretch.black);
      picture.data.set([...colourOf(stretched(value, stretch), stretch.colours), 255], 4 * i);
    }
    /** @type {CanvasRenderingContext2D} */ (bar.getContext("2d")).putImageData(picture, 0, 0);
    const texts = [stretch.black, stretch.white].map((each) => numberText(each, 3));
    ends.replaceChildren(element("span", texts[0]), element("span", `${texts[1]} ${now.unit}`));
    black.setAttribute("aria-valuetext", `${texts[0]} ${now.unit}`);
    white.setAttribute("aria-valuetext", `${texts[1]} ${now.unit}`);
  }
  let asked = 0;
  function restretch() {
    if (!now) return;
    stretch.curve = /** @type {Curve} */ (field("stretch").value);
    stretch.colours = field("colours").value;
    stretch.softening = now.softening;
    stretch.black = slider.value(Number(black.value));
    stretch.white = slider.value(Number(white.value));
    showBar();
    cancelAnimationFrame(asked);
    asked = requestAnimationFrame(() => now.repaint());
  }
  function showBase() {
    now?.layer.remove();
    now = bases[Number(base.value)];
    black.value = slider.place(now.black);
    white.value = slider.place(now.white);
    restretch();
    now.layer.addTo(map).bringToBack();
  }
  bases.forEach((each, k) => base.add(new Option(each.name, String(k))));
  base.addEventListener("change", showBase);
  for (const each of ["stretch", "colours", "black", "white"]) byId(each).addEventListener("input", restretch);
  if (!bases.length) for (const each of ["base", "stretch", "colours", "black", "white"]) byId(each).closest("label")?.remove();

  // What goes on top.
  const shown = { apertures: true, doubtful: false };
  const marks = places && marksLayer(catalog, places, shown, nx * ny);
  const overlays = byId("overlays");
  const legend = byId("legend");
  let filled = true;
  const labels = about.labels && paintedLayer(labelPainter(about.labels, () => filled), options);
  const mask = about.images.length ? paintedLayer(maskPainter(about.images[0]), options) : null;
  /**
   * Add a choice of what is shown.
   * @param {string} name
   * @param {string} colour
   * @param {boolean} on
   * @param {(on: boolean) => void} change
   */
  function overlay(name, colour, on, change) {
    const label = element("label"), box = document.createElement("input");
    box.type = "checkbox";
    box.checked = on;
    box.addEventListener("change", () => change(box.checked));
    label.append(box, ` ${name}`);
    overlays.append(label);
    if (!colour) return;
    const key = element("span"), patch = element("i");
    patch.style.borderColor = colour;
    key.append(patch, name);
    legend.append(key);
  }
  if (labels) {
    const alone = !bases.length;
    if (alone) labels.layer.addTo(map);
    overlay("segments", "", alone, (on) => (on ? labels.layer.addTo(map) : labels.layer.remove()));
    overlay("as outlines", "", false, (on) => {
      filled = !on;
      labels.repaint();
    });
  }
  if (marks && places) {
    overlay(about.ellipses === null ? "positions" : about.ellipses_are, LINES.aperture, true, (on) => {
      shown.apertures = on;
      marks.draw();
    });
    if (places.doubts) {
      overlay("doubtful sources", LINES.doubtful, false, (on) => {
        shown.doubtful = on;
        marks.draw();
      });
    }
    const key = element("span"), patch = element("i");
    patch.style.borderColor = LINES.chosen;
    key.append(patch, "the selected source");
    legend.append(key);
    catalog.addEventListener("rows", marks.draw);
  }
  if (mask) {
    overlay("masked pixels", "rgb(70 110 255)", false, (on) => (on ? mask.layer.addTo(map) : mask.layer.remove()));
  }
  legend.append(element("span", "The first pixel, (0, 0), is at the lower left; pixels without a value are dark blue."));

  const coarse = Math.max(0, ...about.images.map((each) => each.finest));
  if (coarse) {
    const n = 2 ** coarse;
    legend.append(element("span", `The image is larger than a report: a pixel is the mean of ${n} x ${n}, except where most sources are.`));
  }
  map.fitBounds(all, { animate: false });
  if (bases.length) showBase();
  marks?.layer.addTo(map);
  scaleBar(map, sky, about.shape);

  // What is under the pointer.
  const readout = byId("readout");
  /**
   * @param {number} x
   * @param {number} y
   */
  function placeText(x, y) {
    const place = sky?.(x, y);
    const where = place ? `   RA ${sexagesimal(place.ra, true)}  Dec ${sexagesimal(place.dec, false)}` : "";
    return `x ${x.toFixed(1)}  y ${y.toFixed(1)}${where}`;
  }
  map.on("mousemove", ({ latlng }) => {
    const x = latlng.lng - 0.5, y = latlng.lat - 0.5;
    readout.textContent = all.contains(latlng) ? placeText(x, y) : "";
  });
  map.on("click", ({ latlng }) => {
    if (!places) return;
    const row = sourceAt(catalog, places, latlng.lng - 0.5, latlng.lat - 0.5, 8 / 2 ** map.getZoom());
    if (row >= 0) catalog.select(row, false);
  });
  element_.addEventListener("keydown", (event) => {
    if (event.key === "Home") map.fitBounds(all, { animate: false });
    else if (event.key === "n" || event.key === "p") step(event.key === "n" ? 1 : -1);
    else return;
    event.preventDefault();
  });
  /** @param {number} by */
  function step(by) {
    if (!catalog.rows.length) return;
    const at = catalog.rows.indexOf(catalog.selected);
    const next = at < 0 ? 0 : (at + by + catalog.rows.length) % catalog.rows.length;
    catalog.select(catalog.rows[next], true);
  }
  /** @param {number} row */
  function show(row) {
    if (!places) return;
    const { x, y, ellipses } = places;
    const radius = ellipses && ellipses[2 * catalog.n + row] > 0 ? ellipses[2 * catalog.n + row] : 10;
    const close = Math.log2(Math.min(map.getSize().x, map.getSize().y) / (12 * radius));
    const zoom = Math.max(map.getZoom(), Math.min(close, 3));
    map.setView([y[row] + 0.5, x[row] + 0.5], zoom, { animate: false });
    element_.scrollIntoView({ block: "nearest" });
  }
  catalog.addEventListener("selected", (event) => {
    if (/** @type {CustomEvent} */ (event).detail.show) show(catalog.selected);
    marks?.draw();
  });
  byId("goto").addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    const parts = field("goto").value.split(/[ ,]+/).filter(Boolean).map(Number);
    if (parts.length === 2 && parts.every(Number.isFinite)) {
      map.setView([parts[1] + 0.5, parts[0] + 0.5], Math.max(map.getZoom(), 1), { animate: false });
    } else if (parts.length === 1) {
      const row = catalog.numbers("label")?.indexOf(parts[0]) ?? -1;
      if (row >= 0) catalog.select(row, true);
      else byId("announce").textContent = `There is no source with the label ${field("goto").value}.`;
    }
  });
  new ResizeObserver(() => map.invalidateSize({ animate: false })).observe(element_);
  return { map, placeText };
}

/**
 * A bar of a round length, and where north and east are.
 * @param {L.Map} map
 * @param {((x: number, y: number) => {ra: number, dec: number}) | null} sky
 * @param {[number, number]} shape
 */
function scaleBar(map, sky, shape) {
  const bar = element("div", "", "bar"), text = element("span"), arrows = element("div");
  const Scale = L.Control.extend({
    options: { position: "bottomleft" },
    onAdd() {
      const plate = element("div", "", "leaflet-control plate");
      plate.append(arrows, text, bar);
      return plate;
    },
  });
  new Scale().addTo(map);
  /**
   * @param {number} x
   * @param {number} y
   */
  const vector = (x, y) => {
    const place = /** @type {NonNullable<typeof sky>} */ (sky)(x, y);
    const [ra, dec] = [(place.ra * Math.PI) / 180, (place.dec * Math.PI) / 180];
    return [Math.cos(dec) * Math.cos(ra), Math.cos(dec) * Math.sin(ra), Math.sin(dec)];
  };
  function draw() {
    const zoom = 2 ** map.getZoom();
    const { lat, lng } = map.getCenter();
    const x = Math.min(Math.max(lng, 1), shape[1] - 2), y = Math.min(Math.max(lat, 1), shape[0] - 2);
    let unit = 1, name = " px";
    if (sky) {
      const [p, q, r] = [vector(x, y), vector(x + 1, y), vector(x, y + 1)];
      const right = q.map((each, k) => each - p[k]), up = r.map((each, k) => each - p[k]);
      unit = (Math.hypot(...right) * 180 * 3600) / Math.PI;
      name = "″";
      const { ra, dec } = sky(x, y);
      const [a, d] = [(ra * Math.PI) / 180, (dec * Math.PI) / 180];
      const north = [-Math.sin(d) * Math.cos(a), -Math.sin(d) * Math.sin(a), Math.cos(d)];
      const east = [-Math.sin(a), Math.cos(a), 0];
      /**
       * @param {number[]} one
       * @param {number[]} other
       */
      const dot = (one, other) => one.reduce((sum, each, k) => sum + each * other[k], 0);
      arrows.replaceChildren(compass([dot(right, north), dot(up, north)], [dot(right, east), dot(up, east)]));
    }
    const longest = (130 / zoom) * unit;
    // A round number of seconds, minutes or degrees.
    const [size, symbol] = name === " px" || longest < 60 ? [1, name] : longest < 3600 ? [60, "′"] : [3600, "°"];
    const power = 10 ** Math.floor(Math.log10(longest / size));
    const length = Math.max(...[1, 2, 5].map((each) => each * power).filter((each) => each <= longest / size));
    bar.style.width = `${((length * size) / unit) * zoom}px`;
    text.textContent = `${numberText(length, 3)}${symbol}`;
  }
  map.on("zoomend moveend", draw);
  draw();
}

/**
 * Arrows to north and east.
 * @param {number[]} north right and up
 * @param {number[]} east
 */
function compass(north, east) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  for (const [name, value] of Object.entries({ width: "64", height: "64", viewBox: "-32 -32 64 64", role: "img", "aria-label": "Directions of north and east" })) svg.setAttribute(name, value);
  for (const [letter, [right, up]] of /** @type {[string, number[]][]} */ ([["N", north], ["E", east]])) {
    const size = Math.hypot(right, up) || 1;
    const [dx, dy] = [right / size, -up / size];
    const line = document.createElementNS(space, "line");
    for (const [name, value] of Object.entries({ x1: 0, y1: 0, x2: 18 * dx, y2: 18 * dy, stroke: "#fff", "stroke-width": letter === "N" ? 2.5 : 1.5 })) line.setAttribute(name, String(value));
    const text = document.createElementNS(space, "text");
    text.textContent = letter;
    for (const [name, value] of Object.entries({ x: 26 * dx, y: 26 * dy, "text-anchor": "middle", "dominant-baseline": "central" })) text.setAttribute(name, String(value));
    text.style.fill = "#fff";
    svg.append(line, text);
  }
  return svg;
}
