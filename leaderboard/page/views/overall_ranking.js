// All tasks: a row for every model, a column for every task.

const FIRST_TASKS = 12;

function overallRanking(app) {
  const { board, state } = app;
  const weights = app.weights();
  const rows = standings(app, weights);
  const places = placesOf(board.ranking);
  const tables = state.wide ? board.tables : board.tables.slice(0, FIRST_TASKS);
  const shown = (row) =>
    found(state.q, row.subject.name, row.subject.kind) &&
    (!state.show || row.cells.some((cell) => cell && cell.verdict === state.show));
  const made = dataTable({
    id: "ranking",
    caption: "Ranking over all tasks",
    columns: overallColumns(app, rows, places, tables),
    rows,
    sort: state.sort || (places.size ? "place:up" : "mean:up"),
    filter: shown,
    onSort: app.sortBy,
  });
  app.live = { ...made, shown };
  const widen = { type: "button", class: "more", on: { click: () => app.go({ wide: "1" }) } };
  return [
    glance(app, rows),
    bar(
      taskChoice(app, true),
      samplerChoice(app),
      ruleChoice(app),
      markChoice(app),
      search(state, app.search),
    ),
    weightsPanel(app, weights),
    ...made.node,
    tables.length < board.tables.length && el("button", widen, `Show all ${board.tables.length} tasks`),
    rankingNotes(board.ranking, board.tables.length),
    legend(app),
  ];
}

function overallColumns(app, rows, places, tables) {
  const entriesOf = (row) => [...row.subject.entries.values()].flat();
  return [
    placeColumn(
      (row) =>
        entriesOf(row)
          .map((entry) => placeOf(places, entry))
          .find(Boolean),
      places.size,
    ),
    {
      key: "model",
      title: "Model",
      left: true,
      head: 1,
      value: (row) => row.subject.name,
      cell: (row) => subjectCell(app, row.subject),
    },
    {
      key: "mean",
      title: "Mean place",
      hint: "mean over tasks of the place by score, with your weights; only tasks with a score count",
      value: (row) => row.meanPlace,
      cell: (row) => number(row.meanPlace, 1),
    },
    rows.some((row) => row.z !== null) && {
      key: "z",
      title: "Normalised",
      hint: "weighted mean of the score between the task's floor (0) and ceiling (1)",
      value: (row) => row.z,
      cell: (row) => number(row.z, 2),
    },
    {
      key: "coverage",
      title: "Coverage",
      hint: "tasks with a score, of all tasks",
      value: (row) => row.scored,
      cell: (row) => coverageCell(row, app.board.tables.length),
    },
    {
      key: "beats",
      title: "Doing nothing",
      hint: "on how many tasks it beats, equals or loses to the best baseline",
      value: (row) => row.counts.beats - row.counts.worse / 1000,
      cell: (row) => tallyCell(row),
    },
    {
      key: "saturation",
      title: "Saturates at",
      hint: "smallest and largest saturation point over tasks, in cells",
      value: (row) => (row.points.length ? row.points[0].size : null),
      cell: (row) => rangeCell(row.points),
    },
    {
      key: "cost",
      title: "Cost",
      hint: "median over tasks of fit and embedding at the best size, seconds per run",
      value: (row) => row.cost,
      cell: (row) => seconds(row.cost),
    },
    ...tables.map((table, t) => taskColumn(app, table, t)),
  ].filter(Boolean);
}

function taskColumn(app, table, t) {
  const sign = directionOf(table, table.primary);
  return {
    key: `t${t}`,
    title: table.id,
    hint: `${table.id}: ${table.primary}`,
    value: (row) => (isScored(row.cells[t]) ? sign * row.cells[t].mean : null),
    cell: (row) => taskCell(app, row.cells[t]),
  };
}

// -- where a model stands on every task ---------------------------------------------------------------------

const isScored = (cell) => Boolean(cell) && cell.mean !== null;

function standings(app, weights) {
  const { subjects, tables } = app.board;
  const rows = subjects.filter((subject) => subject.everywhere).map((subject) => standing(app, subject));
  const placed = tables.map((table) => placeByMean(app, table, rows));
  for (const row of rows) {
    row.meanPlace = weightedMean(placed.map((places, t) => [places.get(row), weights[t]]));
    row.z = weightedMean(row.cells.map((cell, t) => [cell && cell.z, weights[t]]));
    row.className = row.subject.kind === "model" ? null : "constant";
  }
  return rows;
}

function standing(app, subject) {
  const cells = app.board.tables.map((table) => cellFor(app, subject, table));
  const planned = cells.filter(Boolean);
  const counts = { beats: 0, no_better: 0, worse: 0, not_assessed: 0 };
  for (const { verdict } of planned) if (verdict) counts[verdict] += 1;
  return {
    subject,
    cells,
    counts,
    points: planned
      .map((cell) => cell.point)
      .filter(Boolean)
      .sort((a, b) => a.size - b.size),
    scored: cells.filter(isScored).length,
    cost: lowerMedian(planned.map((cell) => cell.cost).filter(isKnown)),
  };
}

function lowerMedian(values) {
  const ordered = [...values].sort((a, b) => a - b);
  return ordered.length ? ordered[Math.floor((ordered.length - 1) / 2)] : null;
}

function cellFor(app, subject, table) {
  const metric = table.primary;
  const top = bestEntry(subject, table, metric, app.state.sampler);
  if (!top) return null;
  const { entry, at } = top;
  const said = finding(entry, metric);
  return {
    table,
    entry,
    mean: at ? at.mean : null,
    why: whyAbsent(entry, metric),
    verdict: said && said.verdict,
    point: entry.isCurve ? saturation(entry, metric, app.rule) : null,
    cost: costAtBest(entry, at),
    z: normalised(entry, metric, at),
  };
}

/** The score between the task's floor (0) and its ceiling (1), never clipped. */
function normalised(entry, metric, at) {
  const scale = entry.table.scales && entry.table.scales[metric];
  return scale && at && !scale.reason ? (at.mean - scale.floor) / (scale.ceiling - scale.floor) : null;
}

function placeByMean(app, table, rows) {
  const sign = directionOf(table, table.primary);
  const t = app.board.tables.indexOf(table);
  const mean = (row) => row.cells[t].mean;
  const scored = rows.filter((row) => isScored(row.cells[t])).sort((a, b) => sign * (mean(b) - mean(a)));
  const places = new Map();
  scored.forEach((row, place) => {
    const ahead = scored[place - 1];
    places.set(row, ahead && mean(ahead) === mean(row) ? places.get(ahead) : place + 1);
  });
  return places;
}

function weightedMean(pairs) {
  const known = pairs.filter(([value, weight]) => isKnown(value) && weight > 0);
  const total = known.reduce((sum, [, weight]) => sum + weight, 0);
  return total > 0 ? known.reduce((sum, [value, weight]) => sum + value * weight, 0) / total : null;
}

// -- cells --------------------------------------------------------------------------------------------------

const subjectCell = (app, subject) => [
  el("a", { href: app.link({ view: "compare", a: subject.name }) }, soft(subject.name)),
  badges(subject.supervised, subject.kind),
];

function coverageCell(row, tasks) {
  const incomplete = row.scored < tasks && row.subject.kind === "model";
  return el("span", { class: incomplete ? "warn" : null }, `${row.scored} of ${tasks}`);
}

function tallyCell(row) {
  const kinds = Object.entries(row.counts).filter(([, n]) => n);
  if (!kinds.length)
    return row.subject.kind === "baseline" ? el("span", { class: "muted" }, "is a baseline") : null;
  const tally = ([verdict, n]) => {
    const words = `${MARKS[verdict].words}: ${plural(n, "task")}`;
    const said = { class: `mark ${verdict}`, role: "img", title: words, "aria-label": words };
    return el("span", said, `${MARKS[verdict].sign} ${n}`);
  };
  return el("span", { class: "tally" }, kinds.map(tally));
}

function rangeCell(points) {
  if (!points.length) return null;
  const say = (point) => CENSORED[point.censored] + cells(point.size);
  const [low, high] = [say(points[0]), say(points[points.length - 1])];
  return low === high ? low : `${low} … ${high}`;
}

function taskCell(app, cell) {
  if (!cell) return el("span", { class: "muted", title: "not planned on this task" }, NOTHING);
  if (cell.mean === null) return el("span", { class: cell.why ? "absent" : "muted" }, cell.why || NOTHING);
  const link = el("a", { class: "plain", href: openLink(app, cell.entry) }, number(cell.mean));
  return [link, " ", cell.verdict ? mark(cell.verdict) : null];
}

// -- weights ------------------------------------------------------------------------------------------------

function weightsPanel(app, weights) {
  const inputs = app.board.tables.map((table, t) => weightInput(table, weights[t], t));
  const apply = () => app.go({ w: inputs.map((label) => Number(label.firstChild.value) || 0).join(",") });
  return el(
    "details",
    { class: "weights", open: Boolean(app.state.w) },
    el("summary", {}, "Weigh the tasks yourself"),
    el(
      "p",
      { class: "muted" },
      "Mean place and normalised score use these weights; a weight of 0 leaves a task out. Ranks with ",
      "intervals are the board's own and do not move.",
    ),
    el("div", { class: "grid" }, inputs),
    el("p", {}, button("Apply", apply), " ", app.state.w && button("All equal", () => app.go({ w: "" }))),
  );
}

const weightInput = (table, weight, t) =>
  el(
    "label",
    { class: "weight" },
    el("input", { type: "number", min: "0", max: "9", step: "0.5", value: weight, "data-table": t }),
    table.id,
  );

const button = (words, click) => el("button", { type: "button", on: { click } }, words);
