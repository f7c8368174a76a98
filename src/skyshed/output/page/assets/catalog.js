// The sources: columns, the rows that a filter keeps, their order, and the one that is selected.

/**
 * @typedef {object} Column
 * @property {string} name
 * @property {string} unit
 * @property {string} description
 * @property {string} kind
 * @property {Values | string[]} values
 */

const CONDITION = /^\s*(.+?)\s*(<=|>=|!=|!&|<|>|=|&|~)\s*(.+?)\s*$/;

/** Sources of the page; it says "rows" when filter or order change, "selected" for another source. */
class Catalog extends EventTarget {
  /**
   * @param {number} n
   * @param {Column[]} columns
   */
  constructor(n, columns) {
    super();
    this.n = n;
    this.columns = columns;
    this.byName = new Map(columns.map((column) => [column.name, column]));
    /** Rows that the filter keeps, in order. */
    this.rows = Uint32Array.from({ length: n }, (_, i) => i);
    /** 1 for rows that the filter keeps. */
    this.kept = new Uint8Array(n).fill(1);
    /** @type {{column: Column, down: boolean} | null} */
    this.sorted = null;
    /** The row that is selected, -1 for none. */
    this.selected = -1;
    this.filter = "";
  }

  /**
   * The numbers of a column, or null if there is none of this name.
   * @param {string} name
   * @returns {Values | null}
   */
  numbers(name) {
    const column = this.byName.get(name);
    return column && column.kind !== "text" ? /** @type {Values} */ (column.values) : null;
  }

  /**
   * Keep the rows that meet conditions; throws an Error that says what is wrong with them.
   * @param {string} text conditions, joined by commas
   */
  setFilter(text) {
    const tests = text.split(/,|\band\b/).filter((part) => part.trim()).map((part) => this.#test(part));
    for (let row = 0; row < this.n; row++) this.kept[row] = tests.every((test) => test(row)) ? 1 : 0;
    this.filter = text.trim();
    this.#order();
  }

  /**
   * Sort by a column: upwards, then downwards, then by label again.
   * @param {Column} column
   */
  sortBy(column) {
    if (this.sorted?.column !== column) this.sorted = { column, down: false };
    else this.sorted = this.sorted.down ? null : { column, down: true };
    this.#order();
  }

  /**
   * Select a row.
   * @param {number} row
   * @param {boolean} show whether to bring it into view
   */
  select(row, show) {
    this.selected = row;
    this.dispatchEvent(new CustomEvent("selected", { detail: { show } }));
  }

  /**
   * The text of a cell.
   * @param {Column} column
   * @param {number} row
   */
  text(column, row) {
    const value = column.values[row];
    if (typeof value === "string") return value;
    if (column.kind === "i4") return String(value);
    return Number.isFinite(value) ? numberText(value, column.unit === "deg" ? 10 : 6) : "";
  }

  #order() {
    const { sorted } = this;
    const rows = [];
    for (let row = 0; row < this.n; row++) if (this.kept[row]) rows.push(row);
    if (sorted) {
      const values = sorted.column.values;
      const sign = sorted.down ? -1 : 1;
      if (sorted.column.kind === "text") {
        const texts = /** @type {string[]} */ (values);
        rows.sort((a, b) => sign * (texts[a] < texts[b] ? -1 : texts[a] > texts[b] ? 1 : 0) || a - b);
      } else {
        const numbers = /** @type {Values} */ (values);
        // What is not a number comes last either way.
        rows.sort((a, b) => {
          const p = numbers[a], q = numbers[b];
          if (p !== p || q !== q) return p !== p ? (q !== q ? a - b : 1) : -1;
          return sign * (p - q) || a - b;
        });
      }
    }
    this.rows = Uint32Array.from(rows);
    this.dispatchEvent(new Event("rows"));
  }

  /**
   * @param {string} part
   * @returns {(row: number) => boolean}
   */
  #test(part) {
    const found = CONDITION.exec(part);
    if (!found) throw new Error(`"${part.trim()}" must be a column, a comparison and a value, such as area > 50`);
    const [, name, operator, given] = found;
    const column = this.byName.get(name);
    if (!column) throw new Error(`"${name}" is no column of this table`);
    const values = column.values;
    if (operator === "~" || column.kind === "text") {
      const wanted = given.toLowerCase();
      if (operator === "~") return (row) => this.text(column, row).toLowerCase().includes(wanted);
      if (operator === "=") return (row) => this.text(column, row).toLowerCase() === wanted;
      if (operator === "!=") return (row) => this.text(column, row).toLowerCase() !== wanted;
      throw new Error(`${name} holds texts: use = or != or ~`);
    }
    const value = Number(given);
    if (Number.isNaN(value)) throw new Error(`"${given}" is no number, which ${name} is compared with`);
    const numbers = /** @type {Values} */ (values);
    switch (operator) {
      case "<": return (row) => numbers[row] < value;
      case "<=": return (row) => numbers[row] <= value;
      case ">": return (row) => numbers[row] > value;
      case ">=": return (row) => numbers[row] >= value;
      case "=": return (row) => numbers[row] === value;
      case "!=": return (row) => numbers[row] !== value;
      case "&": return (row) => (numbers[row] & value) !== 0;
      default: return (row) => (numbers[row] & value) === 0;
    }
  }
}

/**
 * A number with so many significant digits, as short as it can be.
 * @param {number} value
 * @param {number} digits
 */
function numberText(value, digits = 5) {
  if (!Number.isFinite(value)) return "none";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e9)) return value.toExponential(digits - 2);
  return String(Number(value.toPrecision(digits)));
}
