// What views are made of: tables that sort and filter their own rows, plain tables, lists of facts, sections.

const FIRST_ROWS = 50;

/**
 * A table that sorts and filters its own rows, and puts the first of them on the page until all are asked for.
 * Columns: {key, title, hint, value, cell, left, head}.
 */
function dataTable({ id, caption, columns, rows, sort, filter, onSort }) {
  const body = el("tbody");
  const told = el("p", { class: "muted count", role: "status" });
  const more = el("button", { type: "button", class: "more", on: { click: () => all() } });
  const made = rows.map((row) => ({ row, node: null, values: valuesOf(columns, row) }));
  const heads = columns.map((column) => headOf(column, onSort));
  let wanted = filter || (() => true);
  let order = sort;
  let limit = FIRST_ROWS;
  const show = () => {
    const [key, way] = (order || "").split(":");
    const sign = way === "down" ? -1 : 1;
    const chosen = made
      .filter(({ row }) => wanted(row))
      .sort((a, b) => compare(a.values.get(key), b.values.get(key), sign));
    const shown = chosen.slice(0, limit);
    for (const each of shown) each.node ||= rowOf(columns, each.row);
    body.replaceChildren(...shown.map(({ node }) => node));
    markSorted(heads, columns, key, sign);
    told.textContent =
      chosen.length < made.length ? `${chosen.length} of ${plural(made.length, "row")} match` : "";
    more.textContent = `Show all ${plural(chosen.length, "row")}`;
    more.hidden = chosen.length <= limit;
  };
  const all = () => {
    limit = Infinity;
    show();
  };
  show();
  return {
    node: [told, framed(caption, el("thead", {}, el("tr", {}, heads)), body, id), more],
    sorted: () => order,
    order: (next) => {
      order = next;
      show();
    },
    choose: (next) => {
      wanted = next;
      show();
    },
    all,
  };
}

const valuesOf = (columns, row) =>
  new Map(columns.map((column) => [column.key, column.value ? column.value(row) : null]));

const rowOf = (columns, row) =>
  el(
    "tr",
    { class: row.className },
    columns.map((column, place) => cellOf(column, row, place)),
  );

function headOf(column, onSort) {
  const said = { scope: "col", class: column.left ? "left" : null, title: column.value ? null : column.hint };
  if (!column.value) return el("th", said, column.title);
  const sort = { type: "button", title: column.hint, on: { click: () => onSort(column.key) } };
  const arrow = el("span", { class: "arrow", "aria-hidden": "true" });
  return el("th", said, el("button", sort, soft(column.title), arrow));
}

function cellOf(column, row, place) {
  const content = column.cell(row);
  const tag = place === (column.head ?? -1) ? "th" : "td";
  const scope = tag === "th" ? "row" : null;
  return el(tag, { class: column.left ? "left" : null, scope }, isKnown(content) ? content : NOTHING);
}

function markSorted(heads, columns, key, sign) {
  heads.forEach((head, place) => {
    if (!columns[place].value) return;
    const way = sign > 0 ? "ascending" : "descending";
    head.setAttribute("aria-sort", columns[place].key === key ? way : "none");
  });
}

/** Numbers and texts in their order; what is absent comes last, whichever way. */
function compare(a, b, sign) {
  if (!isKnown(a) || !isKnown(b)) return !isKnown(a) - !isKnown(b);
  return sign * (typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a - b);
}

/** A table that scrolls by itself where it is wider than the page. */
const framed = (caption, head, body, id = null) =>
  el(
    "div",
    { class: "table", tabindex: "0", role: "region", "aria-label": caption },
    el("table", { id }, el("caption", { class: "heard" }, caption), head, body),
  );

/** A table of texts as they are; `left` says which columns are no numbers. */
function simpleTable(caption, titles, rows, left = () => true) {
  const side = (place) => (left(place) ? "left" : null);
  const heads = titles.map((title, place) => el("th", { scope: "col", class: side(place) }, title));
  const said = (cell) => (isKnown(cell) && cell !== "" ? cell : NOTHING);
  const line = (row) =>
    el(
      "tr",
      {},
      row.map((cell, place) => el("td", { class: side(place) }, said(cell))),
    );
  return framed(caption, el("thead", {}, el("tr", {}, heads)), el("tbody", {}, rows.map(line)));
}

const factList = (facts) =>
  el(
    "dl",
    {},
    facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]),
  );

const section = (title, ...content) => el("section", {}, el("h3", {}, title), ...content);
