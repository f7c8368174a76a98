// Reads what the page holds, and shows it.

async function main() {
  const begun = performance.now();
  /** @type {About} */
  const about = JSON.parse(byId("about").textContent ?? "");
  const columns = await Promise.all(about.table.columns.map(async (column) => ({
    ...column,
    values: column.kind === "text" ? await readLines(column.block) : await readBlock(column.block, column.kind),
  })));
  const catalog = new Catalog(about.table.n, columns);
  joinFlags(catalog);
  const [x, y] = [catalog.numbers("xcentroid"), catalog.numbers("ycentroid")];
  const ellipses = about.ellipses === null ? null : /** @type {Float32Array} */ (await readBlock(about.ellipses, "f4"));
  const flags = catalog.numbers("flags");
  const doubts = flags && Int32Array.from(flags, (value) => value & ~about.usual_flags);
  const places = x && y ? { x, y, ellipses, doubts } : null;
  const sky = about.sky && skyOf(await readBlock(about.sky.block, "f8"), about.sky.cells, about.shape);
  showTexts(about, catalog, doubts);
  makeCharts(catalog);
  makeGrid(catalog);
  for (const column of catalog.byName.keys()) byId("column-names").append(new Option(column));
  catalog.addEventListener("selected", () => showSource(about, catalog));
  byId("filter-form").addEventListener("submit", (event) => {
    event.preventDefault();
    byId("filter-error").textContent = "";
    try {
      catalog.setFilter(field("filter").value);
    } catch (error) {
      byId("filter-error").textContent = /** @type {Error} */ (error).message;
    }
  });
  byId("clear").addEventListener("click", () => {
    field("filter").value = "";
    byId("filter-error").textContent = "";
    catalog.setFilter("");
  });
  if (about.images.length || about.labels || about.maps.length) makeViewer(about, catalog, places, sky);
  else byId("image").hidden = true;
  document.documentElement.dataset.ready = String(Math.round(performance.now() - begun));
}

main().catch((error) => {
  const said = element("p", `This report can't be shown: ${error?.message ?? error}. A browser of 2023 or later is needed.`, "note");
  said.setAttribute("role", "alert");
  document.querySelector("main")?.prepend(said);
  throw error;
});
