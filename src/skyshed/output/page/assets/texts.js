// What is said in words: the summary, the selected source, flags, parameters, the run.

/**
 * A table; cells are texts, or elements.
 * @param {string} caption
 * @param {string[]} names
 * @param {(string | HTMLElement)[][]} rows
 * @param {number[]} [numeric] columns of numbers
 */
function tableOf(caption, names, rows, numeric = []) {
  const around = element("div", "", "scroll"), table = element("table");
  if (caption) table.append(element("caption", caption));
  const head = element("thead"), line = element("tr"), body = element("tbody");
  names.forEach((name, k) => {
    const cell = element("th", name, numeric.includes(k) ? "number" : "");
    cell.setAttribute("scope", "col");
    line.append(cell);
  });
  head.append(line);
  for (const row of rows) {
    const each = element("tr");
    row.forEach((value, k) => {
      const cell = element("td", "", numeric.includes(k) ? "number" : "");
      cell.append(value);
      each.append(cell);
    });
    body.append(each);
  }
  table.append(head, body);
  around.append(table);
  around.tabIndex = 0;
  around.setAttribute("role", "region");
  around.setAttribute("aria-label", caption || names.join(", "));
  return around;
}

/**
 * @param {About} about
 * @param {Catalog} catalog
 * @param {Values | null} doubts the flags of each source that make it doubtful
 */
function showTexts(about, catalog, doubts) {
  document.title = `${about.title} - skyshed`;
  byId("title").textContent = about.title;
  const record = new Map(about.record);
  const [ny, nx] = about.shape;
  const flags = catalog.numbers("flags");
  const doubtful = doubts ? Array.from(doubts).filter(Boolean).length : null;
  const seconds = about.times.reduce((sum, each) => sum + each.seconds, 0);
  const noise = about.images[0];
  const facts = [
    ["Sources", about.n_sources.toLocaleString("en")],
    ...(nx && ny ? [["Image", `${nx} x ${ny} pixels`]] : []),
    ...(noise ? [["Noise of a pixel", `${numberText(noise.noise, 4)} ${noise.unit}`]] : []),
    ...about.maps.slice(0, 1).map((map) => [map.name, `${numberText(map.low, 5)} to ${numberText(map.high, 5)} ${map.unit}`]),
    ...(doubtful === null ? [] : [["Doubtful", `${doubtful.toLocaleString("en")} of ${catalog.n.toLocaleString("en")}`]]),
    ...(seconds ? [["Time", `${numberText(seconds, 3)} s`]] : []),
    ...(record.has("date") ? [["Made", record.get("date")?.replace("T", " ").replace("+00:00", " UTC") ?? ""]] : []),
  ];
  byId("summary").append(...facts.map(([name, value]) => {
    const group = element("div");
    group.append(element("dt", name), element("dd", value));
    return group;
  }));
  if (about.notes.length) {
    byId("notes").hidden = false;
    byId("note-list").append(...about.notes.map((note) => element("li", note)));
  }
  const left = about.table.left_out;
  if (left.length) byId("left-out").textContent = `Columns that there is no room for are in the catalog: ${left.join(", ")}.`;
  showFlags(about, catalog, flags);
  for (const { group, rows } of about.parameters) {
    const made = tableOf(group, ["parameter", "value", "default", "meaning"],
      rows.map((row) => [row.name, `${row.value}${row.unit && row.value !== "none" ? ` ${row.unit}` : ""}`, row.default, row.about]));
    made.querySelectorAll("tbody tr").forEach((line, k) => line.classList.toggle("changed", rows[k].changed));
    byId("parameter-tables").append(made);
  }
  if (about.times.length) {
    byId("times").append(tableOf("Time of each phase, of all tiles together", ["phase", "seconds"],
      about.times.map((each) => [each.name, each.seconds.toFixed(3)]), [1]));
  }
  byId("record").append(tableOf("What the results record", ["entry", "value"], about.record));
  if (about.tiles) {
    const { names, rows, of } = about.tiles;
    const more = of > rows.length ? `, the first ${rows.length} of ${of}` : "";
    byId("tiles").append(tableOf(`Tiles${more}`, names, rows, names.map((_, k) => k)));
  }
}

/**
 * Where each of several bands has flags, add a column of those that any band has.
 * @param {Catalog} catalog
 */
function joinFlags(catalog) {
  const own = catalog.columns.filter((column) => /^flags_/.test(column.name) && column.kind !== "text");
  if (catalog.byName.has("flags") || !own.length) return;
  const values = new Int32Array(catalog.n);
  for (const column of own) for (let row = 0; row < catalog.n; row++) values[row] |= /** @type {Values} */ (column.values)[row];
  const flags = { name: "flags", unit: "", description: "Flags of any band.", kind: "i4", values };
  catalog.columns.push(flags);
  catalog.byName.set("flags", flags);
}

/**
 * @param {About} about
 * @param {Catalog} catalog
 * @param {Values | null} flags
 */
function showFlags(about, catalog, flags) {
  const room = byId("flag-table");
  if (!flags) {
    room.append(element("p", "The table has no column of flags."));
    return;
  }
  const rows = about.flags.map(({ bit, name, about: words, when }) => {
    let n = 0;
    for (const value of flags) if (value & bit) n++;
    /** @type {string | HTMLElement} */
    let count = "0";
    if (n) {
      const button = element("button", n.toLocaleString("en"), "link");
      button.setAttribute("aria-label", `Show the ${plural(n, "source")} with the flag ${name}`);
      button.addEventListener("click", () => {
        addToFilter([`flags & ${bit}`]);
        byId("grid").focus();
      });
      count = button;
    }
    return { n, row: [count, String(bit), name, `${words}. ${when}`] };
  });
  const without = Array.from(flags).filter((value) => !value).length;
  room.append(element("p", `${plural(without, "source")} of ${catalog.n.toLocaleString("en")} without any flag. A number shows those sources.`, "quiet"));
  room.append(tableOf("Flags that are set", ["sources", "bit", "name", "meaning"], rows.filter(({ n }) => n).map(({ row }) => row), [0, 1]));
  const others = element("details");
  others.append(element("summary", "Flags that no source has"));
  others.append(tableOf("", ["sources", "bit", "name", "meaning"], rows.filter(({ n }) => !n).map(({ row }) => row), [0, 1]));
  room.append(others);
}

/**
 * Say everything about the source that is selected.
 * @param {About} about
 * @param {Catalog} catalog
 */
function showSource(about, catalog) {
  const row = catalog.selected;
  if (row < 0) return;
  const label = catalog.byName.get("label");
  const name = label ? catalog.text(label, row) : String(row + 1);
  const magnitudes = catalog.columns.filter((column) => /mag(_|$)/.test(column.name) && column.kind !== "text");
  const magnitude = magnitudes.find((column) => column.name.startsWith("kron")) ?? magnitudes[0];
  const bright = magnitude ? `, ${magnitude.name} ${catalog.text(magnitude, row)}` : "";
  const hidden = catalog.kept[row] ? "" : " The filter leaves it out of the table.";
  byId("source-heading").textContent = `Source ${name}`;
  byId("announce").textContent = `Source ${name} is selected${bright}.${hidden}`;
  const facts = [];
  for (const column of catalog.columns) {
    const term = element("dt", column.name), text = catalog.text(column, row);
    if (column.description) term.title = column.description;
    facts.push(term, element("dd", text === "" ? "none" : column.unit ? `${text} ${column.unit}` : text));
    if (column.name !== "flags") continue;
    const value = /** @type {number} */ (column.values[row]);
    for (const flag of about.flags) {
      if (value & flag.bit) facts.push(element("dt", ""), element("dd", `${flag.name}: ${flag.about}`));
    }
  }
  byId("source").replaceChildren(...facts);
}
