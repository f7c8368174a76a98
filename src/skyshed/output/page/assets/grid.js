// The table: only the rows that are in view are in the page, so that 400,000 scroll as 40 do.

/** Height of a row, as in the styles. */
const ROW = 28;
/** Rows that are kept above and below those in view. */
const SPARE = 8;

/**
 * Show the catalog as a grid that the keyboard moves in.
 * @param {Catalog} catalog
 */
function makeGrid(catalog) {
  const grid = byId("grid");
  const columns = catalog.columns;
  const ruler = /** @type {CanvasRenderingContext2D} */ (document.createElement("canvas").getContext("2d"));
  const { fontSize, fontFamily } = getComputedStyle(grid);
  ruler.font = `${fontSize} ${fontFamily}`;
  const widths = columns.map((column) => {
    // As wide as the widest of some cells, and as the name, which may take two lines.
    let widest = Math.min(ruler.measureText(column.name).width, 130);
    for (let k = 0; k < 60 && catalog.n; k++) {
      widest = Math.max(widest, ruler.measureText(catalog.text(column, Math.floor((k * catalog.n) / 60))).width);
    }
    return Math.ceil(Math.min(Math.max(widest + 24, 64), 320));
  });
  const total = widths.reduce((sum, each) => sum + each, 0);
  const head = element("div", "", "head");
  head.setAttribute("role", "row");
  head.setAttribute("aria-rowindex", "1");
  head.style.width = `${total}px`;
  const headings = columns.map((column, k) => {
    const cell = element("div", column.name, column.kind === "text" ? "cell text" : "cell");
    if (column.unit) cell.append(element("span", column.unit));
    cell.id = `cell-head-${k}`;
    cell.setAttribute("role", "columnheader");
    cell.setAttribute("aria-colindex", String(k + 1));
    cell.style.width = `${widths[k]}px`;
    if (column.description) cell.title = column.description;
    cell.addEventListener("click", () => {
      active = { at: -1, column: k };
      catalog.sortBy(column);
    });
    return cell;
  });
  head.append(...headings);
  const body = element("div");
  body.setAttribute("role", "rowgroup");
  body.style.position = "relative";
  body.style.width = `${total}px`;
  const top = element("div");
  top.setAttribute("role", "rowgroup");
  top.style.position = "sticky";
  top.style.top = "0";
  top.style.zIndex = "2";
  top.style.width = `${total}px`;
  top.append(head);
  grid.append(top, body);
  grid.setAttribute("aria-colcount", String(columns.length));
  grid.setAttribute("aria-multiselectable", "false");

  /** The cell that keys move: its place among the rows, -1 for the heading, and its column. */
  let active = { at: 0, column: 0 };
  /** @type {Map<number, HTMLElement>} */
  const drawn = new Map();

  function draw() {
    const first = Math.max(0, Math.floor(grid.scrollTop / ROW) - SPARE);
    const last = Math.min(catalog.rows.length, Math.ceil((grid.scrollTop + grid.clientHeight) / ROW) + SPARE);
    for (const [at, line] of drawn) {
      if (at >= first && at < last) continue;
      line.remove();
      drawn.delete(at);
    }
    for (let at = first; at < last; at++) {
      if (!drawn.has(at)) drawn.set(at, makeRow(at));
    }
    mark();
  }
  /** @param {number} at */
  function makeRow(at) {
    const row = catalog.rows[at];
    const line = element("div", "", "row");
    line.setAttribute("role", "row");
    line.setAttribute("aria-rowindex", String(at + 2));
    line.style.top = `${at * ROW}px`;
    line.style.width = `${total}px`;
    columns.forEach((column, k) => {
      const cell = element("div", catalog.text(column, row), column.kind === "text" ? "cell text" : "cell");
      cell.id = `cell-${at}-${k}`;
      cell.setAttribute("role", "gridcell");
      cell.setAttribute("aria-colindex", String(k + 1));
      cell.style.width = `${widths[k]}px`;
      line.append(cell);
    });
    line.addEventListener("click", (event) => {
      const cell = /** @type {HTMLElement} */ (event.target).closest(".cell");
      active = { at, column: Math.max(0, [...line.children].indexOf(/** @type {Element} */ (cell))) };
      catalog.select(row, true);
    });
    body.append(line);
    return line;
  }
  /** Show which row is selected, which cell is active, and which column is sorted. */
  function mark() {
    for (const [at, line] of drawn) line.setAttribute("aria-selected", String(catalog.rows[at] === catalog.selected));
    grid.querySelector(".active")?.classList.remove("active");
    const id = active.at < 0 ? `cell-head-${active.column}` : `cell-${active.at}-${active.column}`;
    const cell = document.getElementById(id);
    cell?.classList.add("active");
    if (cell) grid.setAttribute("aria-activedescendant", id);
    else grid.removeAttribute("aria-activedescendant");
    columns.forEach((column, k) => {
      const sorted = catalog.sorted?.column === column;
      headings[k].setAttribute("aria-sort", sorted ? (catalog.sorted?.down ? "descending" : "ascending") : "none");
      const title = /** @type {ChildNode} */ (headings[k].firstChild);
      title.textContent = `${column.name}${sorted ? (catalog.sorted?.down ? " ▼" : " ▲") : ""}`;
    });
  }
  function renew() {
    drawn.forEach((line) => line.remove());
    drawn.clear();
    body.style.height = `${catalog.rows.length * ROW}px`;
    grid.setAttribute("aria-rowcount", String(catalog.rows.length + 1));
    active.at = Math.min(active.at, catalog.rows.length - 1);
    byId("count").textContent = catalog.rows.length === catalog.n
      ? `${plural(catalog.n, "source")}` : `${catalog.rows.length.toLocaleString("en")} of ${plural(catalog.n, "source")}`;
    draw();
  }
  function bringIntoView() {
    if (active.at >= 0) {
      const place = active.at * ROW, height = grid.clientHeight - head.offsetHeight - 16;
      if (place < grid.scrollTop) grid.scrollTop = place;
      else if (place + ROW > grid.scrollTop + height) grid.scrollTop = place + ROW - height;
    }
    const left = widths.slice(0, active.column).reduce((sum, each) => sum + each, 0);
    const right = left + widths[active.column];
    if (left < grid.scrollLeft) grid.scrollLeft = left;
    else if (right > grid.scrollLeft + grid.clientWidth) grid.scrollLeft = right - grid.clientWidth;
    draw();
  }
  grid.addEventListener("scroll", () => requestAnimationFrame(draw), { passive: true });
  grid.addEventListener("keydown", (event) => {
    const page = Math.max(1, Math.floor(grid.clientHeight / ROW) - 2);
    const { key, ctrlKey } = event;
    const last = catalog.rows.length - 1, lastColumn = columns.length - 1;
    if (key === "ArrowDown") active.at++;
    else if (key === "ArrowUp") active.at--;
    else if (key === "ArrowRight") active.column++;
    else if (key === "ArrowLeft") active.column--;
    else if (key === "PageDown") active.at += page;
    else if (key === "PageUp") active.at = Math.max(active.at - page, Math.min(0, active.at));
    else if (key === "Home") active = ctrlKey ? { at: 0, column: 0 } : { ...active, column: 0 };
    else if (key === "End") active = ctrlKey ? { at: last, column: lastColumn } : { ...active, column: lastColumn };
    else if (key === "Enter" || key === " ") {
      if (active.at < 0) catalog.sortBy(columns[active.column]);
      else catalog.select(catalog.rows[active.at], true);
    } else return;
    event.preventDefault();
    active.at = Math.min(Math.max(active.at, -1), last);
    active.column = Math.min(Math.max(active.column, 0), lastColumn);
    bringIntoView();
  });
  catalog.addEventListener("rows", renew);
  catalog.addEventListener("selected", () => {
    const at = catalog.rows.indexOf(catalog.selected);
    if (at >= 0) {
      active.at = at;
      bringIntoView();
    } else mark();
  });
  new ResizeObserver(draw).observe(grid);
  renew();
}

/**
 * A number of things.
 * @param {number} n
 * @param {string} thing
 */
function plural(n, thing) {
  return `${n.toLocaleString("en")} ${thing}${n === 1 ? "" : "s"}`;
}
