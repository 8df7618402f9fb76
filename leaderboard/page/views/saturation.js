// Where learning saturates: a map with a row for every model and a column for every task and sampler.

function saturationView(app) {
  const { board, state } = app;
  const groups = mapGroups(app);
  const place = placeOnRamp(board.sizes);
  const { node, show } = mapRows(app, groups, place);
  app.live = { order: () => {}, shown: () => true, choose: () => show(), all: () => show(Infinity) };
  const units = [
    ["share", "share of the corpus"],
    ["cells", "cells"],
  ];
  return [
    bar(
      taskChoice(app, true),
      state.task && metricChoice(app, board.byTable.get(state.task)),
      samplerChoice(app),
      ruleChoice(app),
      choice("unit", "Shown as", units, state.unit, (unit) => app.go({ unit })),
      search(state, app.search),
    ),
    el(
      "h2",
      {},
      "Where learning saturates",
      el("span", { class: "muted" }, ` ${app.rule}: ${RULES[app.rule]}`),
    ),
    node,
    rampLegend(board.sizes, place),
    el(
      "p",
      { class: "muted" },
      "≤ sits on the smallest size tested: a bound, no estimate. ≥ only the largest size does: no ",
      "saturation seen. > extrapolated beyond it. ",
      el("span", { class: "hatched swatch" }),
      " hatched: the model does not beat doing nothing there, or the curve is flat or inconclusive, so ",
      "the point says nothing about learning. A dash: no point; the curve says why.",
    ),
    mediansSection(app),
  ];
}

/** The median point of every model over all tasks: between two sizes of the ladder, which tells no more. */
function mediansSection(app) {
  const chosen = app.board.medians.filter(
    ({ rule, sampler }) => rule === app.rule && ofSampler({ sampler }, app.state.sampler),
  );
  if (!chosen.length) return null;
  const titles = ["model", "sampler", "corpus", "budget", "median, cells", "95 %", "curves", "left out"];
  const rows = chosen.map((each) => [
    each.model,
    each.sampler,
    each.corpus,
    each.budget,
    spanWords([each.low, each.high]),
    each.within && spanWords(each.within),
    whole(each.n),
    whole(each.without),
  ]);
  const counted =
    app.rule === "R0"
      ? "As published, every curve with a point counts, whether it learns or not."
      : "Curves that are not shown to beat doing nothing are left out: nothing there could saturate.";
  return section(
    "Over all tasks",
    el(
      "p",
      { class: "muted" },
      "Median over the curves of a model by primary metrics; intervals are over data sets. ",
      counted,
    ),
    simpleTable("Median saturation points over all tasks", titles, rows, (place) => place < 4),
  );
}

/** (low, high]; no upper end is none in sight. */
function spanWords([low, high]) {
  if (!isKnown(high)) return low ? `> ${cells(low)}` : "anywhere";
  return low ? `${cells(low)} to ${cells(high)}` : `≤ ${cells(high)}`;
}

/** Tasks with curves, each with its samplers: the columns. */
function mapGroups(app) {
  const { board, state } = app;
  return board.tables
    .filter((table) => table.curves.length && (!state.task || table.id === state.task))
    .map((table) => ({
      table,
      metric: metricOf(app, table),
      samplers: distinct(table.curves.map((curve) => curve.sampler))
        .filter((sampler) => sampler && ofSampler({ sampler }, state.sampler))
        .sort(),
    }))
    .filter(({ samplers }) => samplers.length);
}

function mapRows(app, groups, place) {
  const subjects = app.board.subjects.filter((subject) => subject.kind === "model");
  const body = el("tbody");
  const more = el("button", { type: "button", class: "more", on: { click: () => show(Infinity) } });
  const show = (limit = FIRST_ROWS) => {
    const chosen = subjects.filter((subject) => found(app.state.q, subject.name));
    more.textContent = `Show all ${plural(chosen.length, "row")}`;
    more.hidden = chosen.length <= limit;
    body.replaceChildren(...chosen.slice(0, limit).map((subject) => mapRow(app, groups, place, subject)));
    const first = body.querySelector("button");
    if (first) first.tabIndex = 0;
  };
  show();
  const caption = `Saturation point of every model, task and sampler by ${app.rule}`;
  const table = el(
    "div",
    { class: "table heat", tabindex: "0", role: "region", "aria-label": "Saturation points" },
    el(
      "table",
      { id: "heat", on: { keydown: walk } },
      el("caption", { class: "heard" }, caption),
      mapHead(app, groups),
      body,
    ),
  );
  return { node: [table, more], show };
}

function mapHead(app, groups) {
  const tasks = groups.map(({ table, metric, samplers }) =>
    el(
      "th",
      { scope: "colgroup", colspan: samplers.length, class: "first" },
      el("a", { href: app.link({ view: "curves", task: table.id }) }, table.id),
      el("span", { class: "small" }, metric),
    ),
  );
  const samplerHead = (sampler, nth) =>
    el("th", { scope: "col", class: nth ? "sampler" : "sampler first" }, soft(sampler));
  return el(
    "thead",
    {},
    el("tr", {}, el("th", { scope: "col", rowspan: 2, class: "left" }, "Model"), tasks),
    el(
      "tr",
      {},
      groups.flatMap(({ samplers }) => samplers.map(samplerHead)),
    ),
  );
}

const mapRow = (app, groups, place, subject) =>
  el(
    "tr",
    {},
    el("th", { scope: "row", class: "left" }, soft(subject.name)),
    groups.flatMap(({ table, metric, samplers }) =>
      samplers.map((sampler, nth) => mapCell(app, mapped(app, subject, table, metric, sampler), place, !nth)),
    ),
  );

/** What one cell of the map says, and whether that says anything about learning; null where nothing was run. */
function mapped(app, subject, table, metric, sampler) {
  const curve = (subject.entries.get(table.id) || []).find(
    (entry) => entry.isCurve && entry.sampler === sampler,
  );
  if (!curve) return null;
  const point = saturation(curve, metric, app.rule);
  const { verdict } = curve.metrics[metric] || {};
  const said = finding(curve, metric);
  const vacuous = verdict
    ? !verdict.quotable && verdict.trend !== "still-improving"
    : said && said.verdict !== "beats";
  const within = point && point.within ? `, 95 %: ${withinWords(point)}` : "";
  const why = point
    ? `${whole(point.size)} cells${within}`
    : whyAbsent(curve, metric) || "no saturation point";
  const judged = verdict ? `; ${verdict.level}, ${verdict.trend}` : "";
  const warned = vacuous ? "; not a learning saturation point" : "";
  const words = `${subject.name}, ${table.id}, ${sampler}: ${why}${judged}${warned}`;
  return { curve, point, vacuous, words };
}

function mapCell(app, held, place, first) {
  if (!held) return el("td", { class: first ? "first none" : "none", title: "not run" }, NOTHING);
  const { curve, point, vacuous, words } = held;
  const short = saturationWords(curve, point, app.state.unit);
  const said = {
    type: "button",
    tabindex: "-1",
    title: words,
    "aria-label": `${short}: ${words}`,
    on: { click: () => app.go({ open: `${curve.table.id} :: ${curve.id}` }) },
  };
  const kind = point ? (vacuous ? "hatched" : "") : "none";
  return el(
    "td",
    { class: [first && "first", kind].filter(Boolean).join(" "), style: mapInk(point, vacuous, place) },
    el("button", said, short),
  );
}

function mapInk(point, vacuous, place) {
  if (!point) return {};
  const { fill, pale, ink } = heatColour(place(point.size));
  return vacuous ? { "background-color": pale, color: "inherit" } : { "background-color": fill, color: ink };
}

/** Arrow keys walk over the cells, which are one stop of the tab key. */
function walk(event) {
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
  const cell = event.target.closest("td");
  if (!step || !cell) return;
  const rows = [...cell.closest("tbody").rows].filter((row) => !row.hidden);
  let [r, c] = [rows.indexOf(cell.parentNode), cell.cellIndex];
  let next = null;
  do {
    [r, c] = [r + step[0], c + step[1]];
    next = rows[r] && rows[r].cells[c];
  } while (next && !next.querySelector("button"));
  if (!next) return;
  event.preventDefault();
  event.target.tabIndex = -1;
  next.firstChild.tabIndex = 0;
  next.firstChild.focus();
}

// -- colours ------------------------------------------------------------------------------------------------

const RAMP = [
  [255, 255, 217],
  [199, 233, 180],
  [65, 182, 196],
  [34, 94, 168],
  [8, 29, 88],
];

/** Where a size stands between the smallest and the largest, on a logarithmic scale. */
function placeOnRamp(sizes) {
  const [bottom, top] = [Math.log10(sizes[0] || 1), Math.log10(sizes[sizes.length - 1] || 10)];
  return (size) => (top > bottom ? (Math.log10(size) - bottom) / (top - bottom) : 0);
}

function heatColour(place) {
  const at = Math.max(0, Math.min(1, place)) * (RAMP.length - 1);
  const low = Math.min(RAMP.length - 2, Math.floor(at));
  const blend = (value, channel) => Math.round(value + (RAMP[low + 1][channel] - value) * (at - low));
  const mixed = RAMP[low].map(blend);
  return {
    fill: `rgb(${mixed.join(" ")})`,
    pale: `rgb(${mixed.join(" ")} / 30%)`,
    ink: luminance(mixed) > 0.18 ? "#000" : "#fff",
  };
}

/** Relative luminance, as WCAG defines it. */
function luminance(colour) {
  const linear = (value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const [r, g, b] = colour.map((channel) => linear(channel / 255));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function rampLegend(sizes, place) {
  const step = (size) => {
    const { fill, ink } = heatColour(place(size));
    return el("span", { style: { "background-color": fill, color: ink } }, cells(size));
  };
  return el("p", { class: "scale", "aria-hidden": "true" }, sizes.slice(0, 12).map(step), " cells");
}
