// What a reader can look at. Each view returns what stands in <main>; nothing here keeps a state of its own.

const TRENDS = { flat: "flat", saturates: "saturates", "still-improving": "still improving", inverse: "gets worse with data", "non-monotone": "non-monotone", inconclusive: "inconclusive" };
const LEVELS = { "below-baseline": "below the baseline", "no-benefit": "no benefit over untrained", "beats-baseline": "beats the baseline", "at-ceiling": "at the ceiling", "not-assessed": "level not assessed" };
const READINGS = {
  "task-saturated": "The task is saturated: it can no longer tell models apart.",
  "model-saturated": "The model is saturated: more of the same data does not help it here.",
  "pretraining-irrelevant": "Pretraining makes no difference here.",
  "more-data-may-pay": "More data may pay; it is not shown yet.",
  "learning-saturation-point": "This may be quoted as a learning saturation point.",
};
const KINDS = { baseline: "baseline", reference: "no pretraining", oracle: "oracle, not ranked" };

// -- tables ------------------------------------------------------------------------------------------------

const FIRST_ROWS = 50;
const FIRST_TASKS = 12;

/**
 * A table that sorts and filters its own rows, and puts the first of them on the page until all are asked for.
 * Columns: {key, title, hint, value, cell, left, head}.
 */
function dataTable({ id, caption, columns, rows, sort, filter, onSort }) {
  const body = el("tbody");
  const told = el("p", { class: "muted count", role: "status" });
  const made = rows.map((row) => ({ row, node: null, values: new Map(columns.map((column) => [column.key, column.value ? column.value(row) : null])) }));
  const heads = columns.map((column) => headOf(column, onSort));
  let wanted = filter || (() => true);
  let order = sort;
  let limit = FIRST_ROWS;
  const more = el("button", { type: "button", class: "more", on: { click: () => { limit = Infinity; show(); } } });
  const show = () => {
    const [key, way] = (order || "").split(":");
    const sign = way === "down" ? -1 : 1;
    const chosen = made.filter(({ row }) => wanted(row)).sort((a, b) => compare(a.values.get(key), b.values.get(key), sign));
    const shown = chosen.slice(0, limit);
    for (const each of shown) each.node ||= el("tr", { class: each.row.className }, columns.map((column, place) => cellOf(column, each.row, place)));
    body.replaceChildren(...shown.map(({ node }) => node));
    heads.forEach((head, place) => columns[place].value && head.setAttribute("aria-sort", columns[place].key === key ? (sign > 0 ? "ascending" : "descending") : "none"));
    told.textContent = chosen.length < made.length ? `${chosen.length} of ${plural(made.length, "row")} match` : "";
    more.textContent = `Show all ${plural(chosen.length, "row")}`;
    more.hidden = chosen.length <= limit;
  };
  show();
  const table = el("div", { class: "table", tabindex: "0", role: "region", "aria-label": caption },
    el("table", { id }, el("caption", { class: "heard" }, caption), el("thead", {}, el("tr", {}, heads)), body));
  return {
    node: [told, table, more],
    sorted: () => order,
    order: (next) => { order = next; show(); },
    choose: (next) => { wanted = next; show(); },
    all: () => { limit = Infinity; show(); },
  };
}

function headOf(column, onSort) {
  const button = column.value && el("button", { type: "button", title: column.hint, on: { click: () => onSort(column.key) } }, soft(column.title), el("span", { class: "arrow", "aria-hidden": "true" }));
  return el("th", { scope: "col", class: column.left ? "left" : null, title: column.value ? null : column.hint }, button || column.title);
}

function cellOf(column, row, place) {
  const content = column.cell(row);
  const tag = place === (column.head ?? -1) ? "th" : "td";
  return el(tag, { class: column.left ? "left" : null, scope: tag === "th" ? "row" : null }, content === null || content === undefined ? NOTHING : content);
}

/** Numbers and texts in their order; what is absent comes last, whichever way. */
function compare(a, b, sign) {
  const [none, other] = [a === null || a === undefined, b === null || b === undefined];
  if (none || other) return none - other;
  return sign * (typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a - b);
}

const simpleTable = (caption, titles, rows, left = () => true) => el("div", { class: "table", tabindex: "0", role: "region", "aria-label": caption },
  el("table", {}, el("caption", { class: "heard" }, caption),
    el("thead", {}, el("tr", {}, titles.map((title, place) => el("th", { scope: "col", class: left(place) ? "left" : null }, title)))),
    el("tbody", {}, rows.map((row) => el("tr", {}, row.map((cell, place) => el("td", { class: left(place) ? "left" : null }, cell === null || cell === undefined || cell === "" ? NOTHING : cell)))))));

// -- controls ----------------------------------------------------------------------------------------------

function choice(id, title, options, value, change) {
  const select = el("select", { id, on: { change: () => change(select.value) } }, options.map(([key, words]) => el("option", { value: key, selected: key === value }, words)));
  return el("label", { class: "control", for: id }, el("span", {}, title), select);
}

function search(state, change) {
  const input = el("input", { id: "q", type: "search", value: state.q, placeholder: "model, task, sampler …", autocomplete: "off", on: { input: () => change(input.value) } });
  return el("label", { class: "control", for: "q" }, el("span", {}, "Search ", el("kbd", { "aria-hidden": "true" }, "/")), input);
}

const taskChoice = (app, all) => choice("task", "Task", [...(all ? [["", "All tasks"]] : []), ...app.board.tables.map((table) => [table.id, table.id])], app.state.task, (task) => app.go({ task, metric: "", sort: "" }));
const samplerChoice = (app) => app.board.samplers.length > 1 && choice("sampler", "Sampler", [["", "All samplers"], ...app.board.samplers.map((sampler) => [sampler, sampler])], app.state.sampler, (sampler) => app.go({ sampler }));
const metricChoice = (app, table) => choice("metric", "Metric", Object.keys(table.metrics).map((name) => [name === table.primary ? "" : name, `${name} ${directionOf(table, name) > 0 ? "↑" : "↓"}${name === table.primary ? " (primary)" : ""}`]), app.state.metric, (metric) => app.go({ metric, sort: "" }));
const ruleChoice = (app) => app.board.hasVerdicts && choice("rule", "Saturation by", Object.entries(RULES).map(([rule, words]) => [rule, `${rule}: ${words}`]), app.state.rule, (rule) => app.go({ rule }));
const markChoice = (app) => choice("show", "Against doing nothing", [["", "Any"], ...Object.entries(MARKS).map(([key, { sign, short }]) => [key, `${sign} ${short}`])], app.state.show, (show) => app.go({ show }));

const bar = (...controls) => el("div", { class: "bar" }, ...controls);
const metricOf = (app, table) => (Object.hasOwn(table.metrics, app.state.metric) ? app.state.metric : table.primary);
const found = (q, ...texts) => q.toLowerCase().split(/\s+/).every((word) => texts.some((text) => text && text.toLowerCase().includes(word)));

function nameOf(app, entry) {
  return [
    el("a", { href: app.link({ open: `${entry.table.id} :: ${entry.id}` }) }, soft(entry.subject)),
    entry.supervised && el("span", { class: "badge" }, "trained with labels"),
    KINDS[entry.kind] && el("span", { class: "badge" }, KINDS[entry.kind]),
  ];
}

// -- ranking -----------------------------------------------------------------------------------------------

function rankingView(app) {
  const table = app.board.byTable.get(app.state.task);
  return table ? taskRanking(app, table) : overallRanking(app);
}

/** One task: a row for every curve and every constant. */
function taskRanking(app, table) {
  const { state, board } = app;
  const metric = metricOf(app, table);
  const entries = [...table.curves, ...table.constants].filter((entry) => !state.sampler || !entry.sampler || entry.sampler === state.sampler);
  const places = metric === table.primary ? placesOf(table.ranking || board.ranking) : new Map();
  const findings = new Map(entries.map((entry) => [entry, finding(entry, metric)]));
  const tops = new Map(entries.map((entry) => [entry, best(entry, metric)]));
  const digits = decimals([...tops.values()].map((at) => at && at.mean));
  const ends = [...findings.values()].filter((each) => each && each.low !== undefined).flatMap((each) => [each.low, each.high]);
  const reach = [Math.min(0, ...ends), Math.max(1e-9, ...ends)];
  const corpora = distinct(table.curves.map((curve) => curve.corpus)).filter(Boolean);
  const sign = directionOf(table, metric);
  const columns = [
    placeColumn((entry) => placeOf(places, entry), places.size),
    { key: "model", title: "Model", left: true, head: 1, value: (e) => e.subject, cell: (e) => nameOf(app, e) },
    { key: "sampler", title: corpora.length > 1 ? "Sampler (corpus)" : "Sampler", left: true, value: (e) => e.sampler, cell: (e) => (e.sampler ? soft(corpora.length > 1 ? `${e.sampler} (${e.corpus})` : e.sampler) : null) },
    { key: "untrained", title: "Untrained", hint: "the same model with random weights", value: (e) => meanAt(e, metric, 0), cell: (e) => (e.isCurve ? written(atSize(e, metric, 0), digits) : null) },
    { key: "best", title: "Best mean", hint: "mean over seeds at the size where it is best", value: (e) => { const at = tops.get(e); return at && e.kind !== "oracle" ? at.mean : null; }, cell: (e) => bestCell(e, metric, tops.get(e), digits) },
    { key: "gain", title: "Gain over doing nothing", hint: "difference to the best baseline, paired by unit, with its 95 % interval", value: (e) => { const f = findings.get(e); return f && f.estimate !== undefined ? f.estimate : null; }, cell: (e) => gainCell(e, findings.get(e), reach, digits) },
    { key: "verdict", title: "Verdict", left: true, hint: "level and trend of the learning curve", value: (e) => verdictWords(e, metric), cell: (e) => verdictCell(e, metric) },
    { key: "saturation", title: "Saturates at", hint: board.hasVerdicts ? RULES[state.rule] : RULES.R0, value: (e) => { const p = e.isCurve && saturation(e, metric, app.rule); return p ? p.size : null; }, cell: (e) => saturationCell(e, metric, app.rule) },
    { key: "seeds", title: "Seeds", hint: "runs at the best size; of how many, where some have no value", value: (e) => { const at = tops.get(e); return at ? at.n : 0; }, cell: (e) => seedsCell(e, metric, tops.get(e)) },
    { key: "cost", title: "Cost", hint: "fit and embedding at the best size, seconds per run", value: (e) => costAtBest(e, tops.get(e)), cell: (e) => seconds(costAtBest(e, tops.get(e))) },
  ];
  const shown = (entry) => found(state.q, entry.subject, entry.sampler, entry.kind) && (!state.show || (findings.get(entry) || {}).verdict === state.show);
  const rows = entries.map((entry) => Object.assign(entry, { className: entry.kind === "model" ? null : "constant" }));
  const made = dataTable({ id: "ranking", caption: `Ranking on ${table.id}, ${metric}`, columns, rows, sort: state.sort || `best:${sign > 0 ? "down" : "up"}`, filter: shown, onSort: app.sortBy });
  app.live = { ...made, shown };
  return [
    bar(taskChoice(app, true), metricChoice(app, table), samplerChoice(app), ruleChoice(app), markChoice(app), search(state, app.search)),
    el("h2", {}, table.id, el("span", { class: "muted" }, ` ${metric} ${sign > 0 ? "↑ larger is better" : "↓ smaller is better"}`)),
    el("p", { class: "muted" }, table.split),
    table.by_cell && el("p", { class: "notice" }, "Split by cell: the same donors and batches teach and test, so scores are optimistic."),
    ...made.node,
    rankingNotes(table.ranking, 1),
    legend(app),
    table.notes && el("details", {}, el("summary", {}, "Notes on the data"), el("p", {}, table.notes)),
  ];
}

const meanAt = (entry, metric, size) => { const at = entry.isCurve && atSize(entry, metric, size); return at ? at.mean : null; };
const written = (at, digits) => (at ? [number(at.mean, digits), at.sd !== null && el("span", { class: "muted" }, ` ± ${number(at.sd, digits)}`)] : null);
const costAtBest = (entry, at) => (at ? costOf(entry, at.size) : null);

function bestCell(entry, metric, at, digits) {
  if (!at) return el("span", { class: "absent" }, whyAbsent(entry, metric) || NOTHING);
  return [el("strong", {}, number(at.mean, digits)), at.sd !== null && el("span", { class: "muted" }, ` ± ${number(at.sd, digits)}`), entry.isCurve && el("span", { class: "small" }, `at ${at.size ? `${cells(at.size)} cells` : "0 cells"}`)];
}

function gainCell(entry, found, reach, digits) {
  if (!found) return entry.kind === "baseline" ? el("span", { class: "muted" }, "is a baseline") : null;
  if (found.low === undefined) return el("span", { class: "muted", title: found.reason }, "not judged");
  return el("span", { class: "gains", title: [found.baseline && `over ${found.baseline}`, found.reason].filter(Boolean).join("; ") },
    mark(found.verdict), gainPicture(found, reach),
    el("span", { class: "digits" }, `${signed(found.estimate, digits)} `, el("span", { class: "muted" }, `[${signed(found.low, digits)}, ${signed(found.high, digits)}]`)));
}

function verdictWords(entry, metric) {
  const verdict = entry.isCurve && entry.metrics[metric] && entry.metrics[metric].verdict;
  return verdict ? `${verdict.level} ${verdict.trend}` : null;
}

function verdictCell(entry, metric) {
  const { verdict, unjudged } = (entry.isCurve && entry.metrics[metric]) || {};
  if (!verdict) return unjudged ? el("span", { class: "muted", title: unjudged }, "not judged") : null;
  return [
    el("span", {}, LEVELS[verdict.level] || verdict.level), el("span", { class: "muted" }, " · "), el("span", {}, TRENDS[verdict.trend] || verdict.trend),
    verdict.flags && verdict.flags.length > 0 && el("span", { class: "small warn" }, verdict.flags.join(", ")),
  ];
}

function saturationCell(entry, metric, rule) {
  const point = entry.isCurve && saturation(entry, metric, rule);
  if (!point) return null;
  const share = asShare(entry, point.size);
  return [
    el("span", {}, saturationWords(entry, point)), share !== null && el("span", { class: "muted" }, ` (${percent(share)})`),
    point.within && el("span", { class: "small" }, `95 %: ${cells(point.within[0])} to ${cells(point.within[1])}`),
  ];
}

function seedsCell(entry, metric, at) {
  const size = entry.isCurve ? entry.metrics[metric] && entry.metrics[metric].best : null;
  const lost = ((entry.metrics[metric] || {}).absent || []).filter(([place]) => !entry.isCurve || entry.size[place] === size).length;
  return at ? (lost ? `${at.n} of ${at.n + lost}` : String(at.n)) : "0";
}

const placeOf = (places, entry) => places.get(entry.ranked_as) || places.get(entry.model);

function placeColumn(row, most) {
  return {
    key: "place", title: "Rank", hint: "rank with its 95 % interval; models that share a letter of their tiers are tied",
    value: (each) => { const place = row(each); return place && place.rank !== null ? place.rank : null; },
    cell: (each) => {
      const place = row(each);
      if (!place || place.rank === null || place.rank === undefined) return null;
      const name = place.tier && `tier ${place.tier}`;
      return el("span", { class: "places" }, el("strong", {}, rankText(place.rank)),
        place.low !== null && place.low !== undefined && [placePicture(place, most), el("span", { class: "small" }, `${rankText(place.low)} to ${rankText(place.high)}`, name && ` · ${name}`)]);
    },
  };
}

/** What must be known of ranks: whom they leave out, and of what they speak. */
function rankingNotes(ranking, tasks) {
  if (!ranking) return null;
  const out = [...ranking.unranked, ...ranking.left_out];
  return [
    el("p", { class: "legend muted" }, "Ranks are those of every model at its largest size, over all samplers; models that share a letter of their tiers are not shown to differ.", tasks > 1 && !ranking.of_tasks_like_these && " They speak of these tasks alone: there are too few data sets to speak of others.", ranking.reason && ` No ranks: ${ranking.reason}.`),
    out.length > 0 && el("details", {}, el("summary", {}, `${plural(out.length, "model or task", "models or tasks")} without a rank`), el("ul", {}, out.map(([name, why]) => el("li", {}, `${name}: ${why}`)))),
  ];
}

/** All tasks: a row for every model, a column for every task. */
function overallRanking(app) {
  const { board, state } = app;
  const weights = app.weights();
  const rows = board.subjects.filter((subject) => subject.everywhere).map((subject) => standing(app, subject));
  const placed = board.tables.map((table) => placeByMean(app, table, rows));
  for (const row of rows) row.meanPlace = weightedMean(placed.map((places, t) => [places.get(row), weights[t]]));
  for (const row of rows) row.z = weightedMean(row.cells.map((cell, t) => [cell && cell.z, weights[t]]));
  const withZ = rows.some((row) => row.z !== null);
  const places = placesOf(board.ranking);
  const columnTables = state.wide ? board.tables : board.tables.slice(0, FIRST_TASKS);
  const columns = [
    placeColumn((row) => [...row.subject.entries.values()].flat().map((entry) => placeOf(places, entry)).find(Boolean), places.size),
    { key: "model", title: "Model", left: true, head: 1, value: (row) => row.subject.name, cell: (row) => [el("a", { href: app.link({ view: "compare", a: row.subject.name }) }, soft(row.subject.name)), row.subject.supervised && el("span", { class: "badge" }, "trained with labels"), KINDS[row.subject.kind] && el("span", { class: "badge" }, KINDS[row.subject.kind])] },
    { key: "mean", title: "Mean place", hint: "mean over tasks of the place by score, with your weights; only tasks with a score count", value: (row) => row.meanPlace, cell: (row) => number(row.meanPlace, 1) },
    withZ && { key: "z", title: "Normalised", hint: "weighted mean of the score between the task's floor (0) and ceiling (1)", value: (row) => row.z, cell: (row) => number(row.z, 2) },
    { key: "coverage", title: "Coverage", hint: "tasks with a score, of all tasks", value: (row) => row.scored, cell: (row) => el("span", { class: row.scored < board.tables.length && row.subject.kind === "model" ? "warn" : null }, `${row.scored} of ${board.tables.length}`) },
    { key: "beats", title: "Doing nothing", hint: "on how many tasks it beats, equals or loses to the best baseline", value: (row) => row.counts.beats - row.counts.worse / 1000, cell: (row) => tallyCell(row) },
    { key: "saturation", title: "Saturates at", hint: "smallest and largest saturation point over tasks, in cells", value: (row) => (row.points.length ? row.points[0].size : null), cell: (row) => rangeCell(row.points) },
    { key: "cost", title: "Cost", hint: "median over tasks of fit and embedding at the best size, seconds per run", value: (row) => row.cost, cell: (row) => seconds(row.cost) },
    ...columnTables.map((table, t) => ({ key: `t${t}`, title: table.id, hint: `${table.id}: ${table.primary}`, value: (row) => (row.cells[t] && row.cells[t].mean !== null ? directionOf(table, table.primary) * row.cells[t].mean : null), cell: (row) => taskCell(app, row.cells[t]) })),
  ].filter(Boolean);
  const shown = (row) => found(state.q, row.subject.name, row.subject.kind) && (!state.show || row.cells.some((cell) => cell && cell.verdict === state.show));
  for (const row of rows) row.className = row.subject.kind === "model" ? null : "constant";
  const start = places.size ? "place:up" : "mean:up";
  const made = dataTable({ id: "ranking", caption: "Ranking over all tasks", columns, rows, sort: state.sort || start, filter: shown, onSort: app.sortBy });
  app.live = { ...made, shown };
  return [
    glance(app, rows),
    bar(taskChoice(app, true), samplerChoice(app), ruleChoice(app), markChoice(app), search(state, app.search)),
    weightsPanel(app, weights),
    ...made.node,
    columnTables.length < board.tables.length && el("button", { type: "button", class: "more", on: { click: () => app.go({ wide: "1" }) } }, `Show all ${board.tables.length} tasks`),
    rankingNotes(board.ranking, board.tables.length),
    legend(app),
  ];
}

function standing(app, subject) {
  const cells = app.board.tables.map((table) => cellFor(app, subject, table));
  const points = cells.filter((cell) => cell && cell.point).map((cell) => cell.point).sort((a, b) => a.size - b.size);
  const counts = { beats: 0, no_better: 0, worse: 0, not_assessed: 0 };
  for (const cell of cells) if (cell && cell.verdict) counts[cell.verdict] += 1;
  const costs = cells.map((cell) => cell && cell.cost).filter((cost) => cost !== null && cost !== undefined).sort((a, b) => a - b);
  return { subject, cells, points, counts, scored: cells.filter((cell) => cell && cell.mean !== null).length, cost: costs.length ? costs[Math.floor((costs.length - 1) / 2)] : null };
}

function cellFor(app, subject, table) {
  const metric = table.primary;
  const top = bestEntry(subject, table, metric, app.state.sampler);
  if (!top) return null;
  const said = finding(top.entry, metric);
  return {
    table, entry: top.entry, mean: top.at ? top.at.mean : null, why: whyAbsent(top.entry, metric), verdict: said && said.verdict,
    point: top.entry.isCurve ? saturation(top.entry, metric, app.rule) : null, cost: costAtBest(top.entry, top.at), z: normalised(top.entry, metric, top.at),
  };
}

/** The score between the task's floor (0) and its ceiling (1), never clipped. */
function normalised(entry, metric, at) {
  const scale = entry.table.scales && entry.table.scales[metric];
  return scale && at && !scale.reason ? (at.mean - scale.floor) / (scale.ceiling - scale.floor) : null;
}

/** Who is not shown to differ from the one ahead: they share a letter of their tiers. */
function tiedWith(table, first, scored) {
  const places = placesOf(table.ranking);
  const tier = (row) => (placeOf(places, (row.subject.entries.get(table.id) || [{}])[0]) || {}).tier || "";
  const tied = scored.filter((row) => row !== first && [...tier(row)].some((letter) => tier(first).includes(letter)));
  if (!places.size) return null;
  const names = tied.slice(0, 3).map((row) => row.subject.name).join(", ") + (tied.length > 3 ? ` and ${tied.length - 3} more` : "");
  return el("p", { class: "muted" }, tied.length ? `tied with ${names}` : "tied with nobody");
}

function bestBaseline(table) {
  const sign = directionOf(table, table.primary);
  const known = table.constants.filter((each) => each.kind === "baseline").map((each) => ({ name: each.model, at: best(each, table.primary) })).filter(({ at }) => at);
  known.sort((a, b) => sign * (b.at.mean - a.at.mean));
  return known.length ? { name: known[0].name, mean: known[0].at.mean } : null;
}

function placeByMean(app, table, rows) {
  const sign = directionOf(table, table.primary);
  const t = app.board.tables.indexOf(table);
  const scored = rows.filter((row) => row.cells[t] && row.cells[t].mean !== null).sort((a, b) => sign * (b.cells[t].mean - a.cells[t].mean));
  const places = new Map();
  scored.forEach((row, place) => places.set(row, place && scored[place - 1].cells[t].mean === row.cells[t].mean ? places.get(scored[place - 1]) : place + 1));
  return places;
}

function weightedMean(pairs) {
  const known = pairs.filter(([value, weight]) => value !== null && value !== undefined && weight > 0);
  const total = known.reduce((sum, [, weight]) => sum + weight, 0);
  return total > 0 ? known.reduce((sum, [value, weight]) => sum + value * weight, 0) / total : null;
}

function tallyCell(row) {
  const kinds = Object.entries(row.counts).filter(([, n]) => n);
  if (!kinds.length) return row.subject.kind === "baseline" ? el("span", { class: "muted" }, "is a baseline") : null;
  return el("span", { class: "tally" }, kinds.map(([verdict, n]) => el("span", { class: `mark ${verdict}`, role: "img", title: `${MARKS[verdict].words}: ${plural(n, "task")}`, "aria-label": `${MARKS[verdict].words}: ${plural(n, "task")}` }, `${MARKS[verdict].sign} ${n}`)));
}

function rangeCell(points) {
  if (!points.length) return null;
  const [low, high] = [points[0], points[points.length - 1]];
  const say = (point) => CENSORED[point.censored] + cells(point.size);
  return say(low) === say(high) ? say(low) : `${say(low)} … ${say(high)}`;
}

function taskCell(app, cell) {
  if (!cell) return el("span", { class: "muted", title: "not planned on this task" }, NOTHING);
  if (cell.mean === null) return el("span", { class: cell.why ? "absent" : "muted" }, cell.why || NOTHING);
  return [el("a", { class: "plain", href: app.link({ open: `${cell.table.id} :: ${cell.entry.id}` }) }, number(cell.mean)), " ", cell.verdict ? mark(cell.verdict) : null];
}

function weightsPanel(app, weights) {
  const inputs = app.board.tables.map((table, t) => el("label", { class: "weight" }, el("input", { type: "number", min: "0", max: "9", step: "0.5", value: weights[t], "data-table": t }), table.id));
  const changed = () => app.go({ w: inputs.map((label) => Number(label.firstChild.value) || 0).join(",") });
  return el("details", { class: "weights", open: Boolean(app.state.w) }, el("summary", {}, "Weigh the tasks yourself"),
    el("p", { class: "muted" }, "Mean place and normalised score use these weights; a weight of 0 leaves a task out. Ranks with intervals are the board's own and do not move."),
    el("div", { class: "grid" }, inputs),
    el("p", {}, el("button", { type: "button", on: { click: changed } }, "Apply"), " ", app.state.w && el("button", { type: "button", on: { click: () => app.go({ w: "" }) } }, "All equal")));
}

/** A card per task: who is ahead, by how much, and whether that beats doing nothing. */
function glance(app, rows) {
  const cards = app.board.tables.map((table, t) => {
    const scored = rows.filter((row) => row.cells[t] && row.cells[t].mean !== null && row.subject.kind === "model");
    const nothing = bestBaseline(table);
    const sign = directionOf(table, table.primary);
    scored.sort((a, b) => sign * (b.cells[t].mean - a.cells[t].mean));
    const [first, second] = scored;
    const judged = scored.filter((row) => row.cells[t].verdict);
    const beating = judged.filter((row) => row.cells[t].verdict === "beats").length;
    return el("li", { class: "card" },
      el("h3", {}, el("a", { href: app.link({ task: table.id }) }, table.id)),
      first ? el("p", { class: "lead" }, el("strong", {}, first.subject.name), " ", el("span", { class: "digits" }, number(first.cells[t].mean)), " ", mark(first.cells[t].verdict)) : el("p", { class: "lead muted" }, "no pretrained model has a score"),
      first && tiedWith(table, first, scored),
      second && el("p", { class: "muted" }, "then ", second.subject.name, " ", number(second.cells[t].mean)),
      nothing && el("p", { class: "muted" }, "doing nothing: ", nothing.name, " ", number(nothing.mean)),
      el("p", { class: judged.length && !beating ? "warn" : "muted" }, judged.length ? `${beating} of ${plural(judged.length, "model")} beat doing nothing` : "no model was judged", table.by_cell && " · split by cell"));
  });
  const shown = 8;
  return el("section", {}, el("h2", { class: "heard" }, "At a glance"), el("ul", { class: "cards" }, cards.slice(0, shown)),
    cards.length > shown && el("details", {}, el("summary", {}, `${cards.length - shown} more tasks`), el("ul", { class: "cards" }, cards.slice(shown))));
}

const legend = (app) => el("p", { class: "legend muted" },
  ...Object.entries(MARKS).flatMap(([key, { sign, words }]) => [el("span", { class: `mark ${key}` }, sign), ` ${words}   `]),
  `Saturation by ${app.rule}: ${RULES[app.rule]}; ≤ the smallest size tested, ≥ the largest, > beyond it.`);

// -- saturation --------------------------------------------------------------------------------------------

const RAMP = [[255, 255, 217], [199, 233, 180], [65, 182, 196], [34, 94, 168], [8, 29, 88]];

function heatColour(place) {
  const at = Math.max(0, Math.min(1, place)) * (RAMP.length - 1);
  const low = Math.min(RAMP.length - 2, Math.floor(at));
  const mixed = RAMP[low].map((value, channel) => Math.round(value + (RAMP[low + 1][channel] - value) * (at - low)));
  const [r, g, b] = mixed.map((value) => { const c = value / 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; });
  return { fill: `rgb(${mixed.join(" ")})`, pale: `rgb(${mixed.join(" ")} / 30%)`, ink: 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.18 ? "#000" : "#fff" };
}

function heatView(app) {
  const { board, state } = app;
  const groups = board.tables.filter((table) => table.curves.length && (!state.task || table.id === state.task)).map((table) => ({
    table, metric: metricOf(app, table), samplers: distinct(table.curves.map((curve) => curve.sampler)).filter((sampler) => sampler && (!state.sampler || sampler === state.sampler)).sort(),
  })).filter(({ samplers }) => samplers.length);
  const subjects = board.subjects.filter((subject) => subject.kind === "model");
  const top = Math.log10(board.sizes[board.sizes.length - 1] || 10), bottom = Math.log10(board.sizes[0] || 1);
  const place = (size) => (top > bottom ? (Math.log10(size) - bottom) / (top - bottom) : 0);
  const rowOf = (subject) => el("tr", {}, el("th", { scope: "row", class: "left" }, soft(subject.name)),
    groups.flatMap(({ table, metric, samplers }) => samplers.map((sampler, nth) => heatCell(app, subject, table, metric, sampler, place, !nth))));
  const body = el("tbody");
  const more = el("button", { type: "button", class: "more", on: { click: () => show(Infinity) } });
  const show = (limit = FIRST_ROWS) => {
    const chosen = subjects.filter((subject) => found(app.state.q, subject.name));
    body.replaceChildren(...chosen.slice(0, limit).map(rowOf));
    const first = body.querySelector("button");
    if (first) first.tabIndex = 0;
    more.textContent = `Show all ${plural(chosen.length, "row")}`;
    more.hidden = chosen.length <= limit;
  };
  show();
  app.live = { order: () => {}, shown: () => true, choose: () => show(), all: () => show(Infinity) };
  return [
    bar(taskChoice(app, true), state.task && metricChoice(app, board.byTable.get(state.task)), samplerChoice(app), ruleChoice(app),
      choice("unit", "Shown as", [["share", "share of the corpus"], ["cells", "cells"]], state.unit, (unit) => app.go({ unit })), search(state, app.search)),
    el("h2", {}, "Where learning saturates", el("span", { class: "muted" }, ` ${app.rule}: ${RULES[app.rule]}`)),
    el("div", { class: "table heat", tabindex: "0", role: "region", "aria-label": "Saturation points" },
      el("table", { id: "heat", on: { keydown: walk } }, el("caption", { class: "heard" }, `Saturation point of every model, task and sampler by ${app.rule}`),
        el("thead", {}, el("tr", {}, el("th", { scope: "col", rowspan: 2, class: "left" }, "Model"), groups.map(({ table, metric, samplers }) => el("th", { scope: "colgroup", colspan: samplers.length, class: "first" }, el("a", { href: app.link({ view: "curves", task: table.id }) }, table.id), el("span", { class: "small" }, metric)))),
          el("tr", {}, groups.flatMap(({ samplers }) => samplers.map((sampler, place) => el("th", { scope: "col", class: place ? "sampler" : "sampler first" }, soft(sampler)))))), body)),
    scaleLegend(board, top, bottom),
    el("p", { class: "muted" }, "≤ sits on the smallest size tested: a bound, no estimate. ≥ only the largest size does: no saturation seen. > extrapolated beyond it. ",
      el("span", { class: "hatched swatch" }), " hatched: the model does not beat doing nothing there, or the curve is flat or inconclusive, so the point says nothing about learning. A dash: no point; the curve says why."),
  ];
}

function heatCell(app, subject, table, metric, sampler, at, first) {
  const curve = (subject.entries.get(table.id) || []).find((entry) => entry.isCurve && entry.sampler === sampler);
  if (!curve) return el("td", { class: first ? "first none" : "none", title: "not run" }, NOTHING);
  const point = saturation(curve, metric, app.rule);
  const { verdict } = curve.metrics[metric] || {};
  const said = finding(curve, metric);
  const vacuous = verdict ? !verdict.quotable && verdict.trend !== "still-improving" : said && said.verdict !== "beats";
  const colour = point && heatColour(at(point.size));
  const why = point ? `${whole(point.size)} cells${point.within ? `, 95 %: ${cells(point.within[0])} to ${cells(point.within[1])}` : ""}` : whyAbsent(curve, metric) || "no saturation point";
  const words = `${subject.name}, ${table.id}, ${sampler}: ${why}${verdict ? `; ${verdict.level}, ${verdict.trend}` : ""}${vacuous ? "; not a learning saturation point" : ""}`;
  return el("td", { class: [first && "first", point ? (vacuous ? "hatched" : "") : "none"].filter(Boolean).join(" "), style: colour ? { "background-color": vacuous ? colour.pale : colour.fill, color: vacuous ? "inherit" : colour.ink } : {} },
    el("button", { type: "button", tabindex: "-1", title: words, "aria-label": `${saturationWords(curve, point, app.state.unit)}: ${words}`, on: { click: () => app.go({ open: `${table.id} :: ${curve.id}` }) } }, saturationWords(curve, point, app.state.unit)));
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

const scaleLegend = (board, top, bottom) => el("p", { class: "scale", "aria-hidden": "true" }, board.sizes.slice(0, 12).map((size) => {
  const colour = heatColour(top > bottom ? (Math.log10(size) - bottom) / (top - bottom) : 0);
  return el("span", { style: { "background-color": colour.fill, color: colour.ink } }, cells(size));
}), " cells");

// -- curves ------------------------------------------------------------------------------------------------

const tableOf = (app) => app.board.byTable.get(app.state.task) || app.board.tables.find((table) => table.curves.length) || app.board.tables[0];

function curvesView(app) {
  const table = tableOf(app);
  if (!table) return [el("p", {}, "This board has no table.")];
  const metric = metricOf(app, table);
  const sign = directionOf(table, metric);
  const top = (curve) => { const at = best(curve, metric); return at ? sign * at.mean : -Infinity; };
  const curves = table.curves.filter((curve) => !app.state.sampler || curve.sampler === app.state.sampler).sort((a, b) => top(b) - top(a));
  const cards = curves.map((curve) => ({ curve, node: curveCard(app, curve, metric) }));
  const choose = () => cards.forEach(({ curve, node }) => { node.hidden = !shown(curve); });
  const shown = (curve) => found(app.state.q, curve.subject, curve.sampler, curve.corpus) && (!app.state.show || (finding(curve, metric) || {}).verdict === app.state.show);
  app.live = { order: () => {}, shown, choose };
  choose();
  return [
    bar(choice("task", "Task", app.board.tables.map((each) => [each.id, each.id]), table.id, (task) => app.go({ task, metric: "" })), metricChoice(app, table), samplerChoice(app), ruleChoice(app), markChoice(app), search(app.state, app.search)),
    el("h2", {}, table.id, el("span", { class: "muted" }, ` ${metric} ${sign > 0 ? "↑" : "↓"}`)),
    el("p", { class: "legend muted" }, "Dots are single runs, the line their mean, the band one standard deviation. Lines across: dotted grey untrained, orange baselines, green ceiling or oracle, dotted blue the threshold of R0. The marker on top is the saturation point."),
    curves.length ? el("div", { class: "gallery" }, cards.map(({ node }) => node)) : el("p", { class: "muted" }, "No learning curves here: only models without pretraining were asked."),
  ];
}

function curveCard(app, curve, metric) {
  const said = finding(curve, metric);
  const point = saturation(curve, metric, app.rule);
  const { verdict } = curve.metrics[metric] || {};
  return el("article", { class: "card" },
    el("h3", {}, el("a", { href: app.link({ open: `${curve.table.id} :: ${curve.id}` }) }, curve.subject), el("span", { class: "muted" }, curve.sampler ? ` ${curve.sampler}` : "")),
    summary(curve, metric).length ? curvePicture([curve], metric, app.rule, { height: 170, small: true }) : el("p", { class: "absent" }, whyAbsent(curve, metric) || "no score"),
    el("p", { class: "small" }, said ? mark(said.verdict, true) : NOTHING, verdict ? ` · ${TRENDS[verdict.trend] || verdict.trend}` : "", point ? ` · saturates ${saturationWords(curve, point)}` : ""));
}

/** One curve with everything behind it. */
function curveDetails(app, entry) {
  const { table } = entry;
  const metric = metricOf(app, table);
  const found = entry.metrics[metric];
  const digits = decimals(summary(entry, metric).map((at) => at.mean));
  const picks = Object.keys(table.metrics).map((name) => [name === table.primary ? "" : name, name]);
  return [
    el("p", { class: "muted" }, table.id, entry.corpus && ` · pretrained on ${entry.corpus}`, entry.budget && ` · budget ${entry.budget}`, entry.supervised && " · trained with labels"),
    bar(choice("detail-metric", "Metric", picks, app.state.metric, (name) => app.go({ metric: name })), app.board.hasVerdicts && choice("detail-rule", "Saturation by", Object.entries(RULES).map(([rule, words]) => [rule, `${rule}: ${words}`]), app.state.rule, (rule) => app.go({ rule }))),
    entry.isCurve && summary(entry, metric).length > 0 && [curvePicture([entry], metric, app.rule, { height: 320 }), keyOf(entry, metric, app.rule, digits)],
    verdictSection(entry, metric, digits),
    found && found.no_change.length > 0 && section("Against doing nothing", simpleTable("Against doing nothing", ["cells", "outcome", "gain [95 %]", "over", "p (Holm)", "remark"], found.no_change.map((each) => [each.size === null || each.size === undefined ? NOTHING : whole(each.size), mark(each.verdict, true), each.low === undefined ? NOTHING : `${signed(each.estimate, digits)} [${signed(each.low, digits)}, ${signed(each.high, digits)}]`, each.baseline, each.p === undefined ? NOTHING : pValue(each.p), each.reason]))),
    entry.isCurve && found && saturationSection(entry, metric),
    fitsSection(found),
    section("Means and cost", simpleTable("Means and cost", ["cells", "mean", "sd", "runs", "cost per run", "peak memory"], summary(entry, metric).map((at) => [at.size === null ? NOTHING : whole(at.size), number(at.mean, digits + 1), number(at.sd, digits + 1), String(at.n), seconds(costOf(entry, at.size)), memoryAt(entry, at.size)]), (place) => place === 0)),
    runsSection(app, entry, metric, digits),
  ];
}

const section = (title, ...content) => el("section", {}, el("h3", {}, title), ...content);
const pValue = (p) => (p < 0.001 ? "< .001" : p.toFixed(3).replace(/^0/, ""));
const memoryAt = (entry, size) => { const cost = entry.cost[String(size)]; return cost && cost.memory ? `${whole(cost.memory)} MB` : NOTHING; };

function keyOf(entry, metric, rule, digits) {
  const point = saturation(entry, metric, rule);
  return el("ul", { class: "key" }, levels([entry], metric).map((line) => el("li", {}, el("span", { class: "dash", style: { "border-color": `var(${line.ink})`, "border-top-style": line.dash[0] < 3 ? "dotted" : "dashed" } }), `${line.name} `, el("span", { class: "digits" }, number(line.value, digits)))),
    point && el("li", {}, el("span", { class: "muted" }, "▼ "), `saturation point by ${rule}: ${saturationWords(entry, point)} cells`));
}

function verdictSection(entry, metric, digits) {
  const { verdict, unjudged } = entry.metrics[metric] || {};
  if (unjudged && !verdict) return section("Verdict", el("p", {}, `Not judged: ${unjudged}`));
  if (!verdict) return null;
  const e = verdict.evidence || {};
  const known = (value, words) => value !== null && value !== undefined && words(value);
  const facts = [
    known(e.gate_f_p, (p) => ["sizes differ (F, adjusted)", `p ${pValue(p)}`]),
    known(e.gate_jonckheere_p, (p) => ["ordered trend (Jonckheere, adjusted)", `p ${pValue(p)}`]),
    known(e.gain, (gain) => ["gain over untrained", signed(gain, digits)]),
    known(e.baseline_low, (low) => [`gain over ${e.baseline_name || "the baseline"}, 95 %`, `${signed(low, digits)} to ${signed(e.baseline_high, digits)}`]),
    known(e.resolution, (value) => ["smallest difference that these seeds resolve", number(value, digits + 1)]),
    known(e.seeds_needed, (n) => ["seeds needed to decide", whole(n)]),
    known(e.headroom, (share) => ["headroom left below the ceiling", percent(share)]),
    known(e.saturates_at, (size) => ["saturates at", `${whole(size)} cells${e.saturates_within ? ` [${e.saturates_within.map(whole).join(", ")}]` : ""}`]),
  ].filter(Boolean);
  return section("Verdict",
    el("p", {}, el("strong", {}, LEVELS[verdict.level] || verdict.level), " · ", el("strong", {}, TRENDS[verdict.trend] || verdict.trend), verdict.flags && verdict.flags.length > 0 && el("span", { class: "warn" }, ` ${verdict.flags.join(", ")}`)),
    verdict.reading && el("p", {}, READINGS[verdict.reading] || verdict.reading, !verdict.quotable && verdict.reading !== "learning-saturation-point" && " Not to be quoted as a learning saturation point."),
    el("dl", {}, facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])));
}

function saturationSection(entry, metric) {
  const rows = Object.keys(RULES).map((rule) => [rule, saturation(entry, metric, rule)]).filter(([, point]) => point);
  if (!rows.length) {
    const { r0 } = entry.metrics[metric];
    return r0 && r0.reason ? section("Saturation", el("p", { class: "muted" }, `No point by the published rule: ${r0.reason}`)) : null;
  }
  return section("Saturation by every rule", simpleTable("Saturation by every rule", ["rule", "cells", "of the corpus", "95 % of resamples", "resamples that say so"], rows.map(([rule, point]) => [
    `${rule}: ${RULES[rule]}${point.family ? ` (${point.family})` : ""}`, saturationWords(entry, point), asShare(entry, point.size) === null ? NOTHING : percent(asShare(entry, point.size)),
    point.within ? `${cells(point.within[0])} to ${cells(point.within[1])}` : NOTHING,
    point.distribution ? Object.entries(point.distribution).filter(([, share]) => share >= 0.005).map(([size, share]) => `${cells(Number(size))}: ${percent(share)}`).join(", ") : NOTHING,
  ])));
}

/** Scaling fits, whichever the board has: names and numbers as they are. */
function fitsSection(found) {
  if (!found || !found.fits) return null;
  const fits = Array.isArray(found.fits) ? found.fits : [found.fits];
  return section("Scaling fits", fits.map((fit) => el("dl", {}, Object.entries(fit).flatMap(([name, value]) => [el("dt", {}, name.replaceAll("_", " ")), el("dd", {}, typeof value === "object" && value !== null ? JSON.stringify(value) : String(value ?? NOTHING))]))));
}

function runsSection(app, entry, metric, digits) {
  const found = entry.metrics[metric];
  const values = found && found.values;
  const absent = new Map((found ? found.absent : []).map(([place, status, reason]) => [place, [status, reason]]));
  const rows = entry.at.map((at, place) => {
    const value = values ? values[place] : undefined;
    const [status, reason] = absent.get(place) || [];
    return [entry.size[place] === null ? NOTHING : whole(entry.size[place]), entry.seed[place] === null ? NOTHING : String(entry.seed[place]), value !== null && value !== undefined ? number(value, digits + 2) : status ? el("span", { class: "absent" }, status === "ok" ? "undefined" : status, reason && `: ${reason}`) : el("span", { class: "muted" }, "in board.json"), el("code", {}, address(app.board, at) || NOTHING)];
  });
  return el("details", { open: rows.length <= 24 }, el("summary", {}, `${plural(rows.length, "job")} behind these numbers`),
    el("p", { class: "muted" }, `The address of each job, its first ${app.board.digits} digits: find it in scores.csv or board.json beside this page.`),
    simpleTable("Jobs", ["cells", "seed", metric, "address"], rows));
}

// -- cost --------------------------------------------------------------------------------------------------

function costView(app) {
  const table = tableOf(app);
  if (!table) return [el("p", {}, "This board has no table.")];
  const metric = metricOf(app, table);
  const sign = directionOf(table, metric);
  const entries = [...table.curves, ...table.constants].filter((entry) => entry.kind !== "oracle" && (!app.state.sampler || !entry.sampler || entry.sampler === app.state.sampler) && found(app.state.q, entry.subject, entry.sampler));
  const points = entries.map((entry) => ({ entry, at: best(entry, metric) })).map(({ entry, at }) => ({ entry, at, cost: costAtBest(entry, at) })).filter(({ cost }) => cost !== null && cost !== undefined)
    .map(({ entry, at, cost }) => ({ entry, cost, score: at.mean, size: at.size, name: entry.sampler ? `${entry.subject}, ${entry.sampler}` : entry.subject, mark: (finding(entry, metric) || {}).verdict }))
    .sort((a, b) => a.cost - b.cost || sign * (b.score - a.score));
  let top = -Infinity;
  for (const each of points) { each.front = sign * each.score > top; top = Math.max(top, sign * each.score); }
  const columns = [
    { key: "model", title: "Model", left: true, value: (p) => p.entry.subject, cell: (p) => nameOf(app, p.entry) },
    { key: "sampler", title: "Sampler", left: true, value: (p) => p.entry.sampler, cell: (p) => p.entry.sampler },
    { key: "score", title: metric, value: (p) => p.score, cell: (p) => [number(p.score), " ", mark(p.mark)] },
    { key: "size", title: "Cells", value: (p) => p.size, cell: (p) => cells(p.size) },
    { key: "cost", title: "Cost per run", value: (p) => p.cost, cell: (p) => seconds(p.cost) },
    { key: "front", title: "On the front", value: (p) => (p.front ? 0 : 1), cell: (p) => (p.front ? "yes" : null) },
  ];
  const made = dataTable({ id: "costs", caption: `Score and cost on ${table.id}`, columns, rows: points, sort: app.state.sort || "cost:up", onSort: app.sortBy });
  app.live = { ...made, shown: () => true, choose: () => app.render() };
  return [
    bar(choice("task", "Task", app.board.tables.map((each) => [each.id, each.id]), table.id, (task) => app.go({ task, metric: "" })), metricChoice(app, table), samplerChoice(app), search(app.state, app.search)),
    el("h2", {}, "What the score costs", el("span", { class: "muted" }, ` ${table.id}, ${metric} ${sign > 0 ? "↑" : "↓"}`)),
    points.length ? costPicture(points, table, metric, (each) => app.go({ open: `${table.id} :: ${each.entry.id}` })) : el("p", { class: "muted" }, "No score here has a cost: nothing was fitted or embedded."),
    el("p", { class: "muted" }, "Each at its best size. The line is the front: nothing cheaper scores as well. Seconds of fit and embedding, mean over runs, on the device that Provenance names; they compare within one device only."),
    points.length > 0 && made.node,
  ];
}

// -- two models --------------------------------------------------------------------------------------------

function compareView(app) {
  const { board, state } = app;
  const names = board.subjects.filter((subject) => subject.everywhere).map((subject) => subject.name).sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const pick = (id, title) => choice(id, title, [["", "choose …"], ...names.map((name) => [name, name])], state[id], (name) => app.go({ [id]: name }));
  const [a, b] = [state.a, state.b].map((name) => board.subjects.find((subject) => subject.name === name));
  const top = bar(pick("a", "Model"), pick("b", "and"), samplerChoice(app), ruleChoice(app));
  if (!a) return [top, el("p", { class: "muted" }, "Choose two models to see them side by side.")];
  const both = [a, b].filter(Boolean);
  const rows = board.tables.map((table) => compareRow(app, table, both)).filter(Boolean);
  return [
    top, el("h2", {}, both.map((each) => each.name).join(" and ")),
    simpleTable("Side by side", ["Task", ...both.flatMap((each) => [each.name, "over doing nothing", "saturates at"]), b && "difference"].filter(Boolean), rows, (place) => place === 0),
    b && el("p", { class: "muted" }, "The difference is that of the two means, first minus second, turned so that positive is better; ▸ marks the better one. Whether two models differ beyond noise is for ranks and tiers to say."),
    el("div", { class: "gallery wide" }, board.tables.map((table) => compareCard(app, table, both)).filter(Boolean)),
  ];
}

function compareRow(app, table, both) {
  const cells = both.map((subject) => cellFor(app, subject, table));
  if (cells.every((cell) => !cell)) return null;
  const sign = directionOf(table, table.primary);
  const known = cells.length === 2 && cells.every((cell) => cell && cell.mean !== null);
  const gap = known ? sign * (cells[0].mean - cells[1].mean) : null;
  return [el("a", { href: app.link({ view: "ranking", task: table.id }) }, table.id), ...cells.flatMap((cell, place) => [
    [gap !== null && (place ? gap < 0 : gap > 0) ? "▸ " : "", taskCell(app, cell)],
    cell && gainWords(cell), cell && cell.point ? saturationWords(cell.entry, cell.point) : null]), ...(both.length === 2 ? [gap === null ? null : signed(gap)] : [])];
}

function gainWords(cell) {
  const said = finding(cell.entry, cell.table.primary);
  return said && said.low !== undefined ? `${signed(said.estimate)} [${signed(said.low)}, ${signed(said.high)}]` : null;
}

function compareCard(app, table, both) {
  const curves = both.map((subject) => bestEntry(subject, table, table.primary, app.state.sampler)).map((each) => each && each.entry).filter((entry) => entry && entry.isCurve && summary(entry, table.primary).length);
  if (!curves.length) return null;
  return el("article", { class: "card" }, el("h3", {}, table.id, el("span", { class: "muted" }, ` ${table.primary}`)), curvePicture(curves, table.primary, app.rule, { height: 220 }),
    el("ul", { class: "key" }, curves.map((curve, place) => el("li", {}, el("span", { class: "dash", style: { "border-color": `var(${INKS[place]})`, "border-style": place ? "dashed" : "solid" } }), curve.id))));
}

// -- what is missing, where it comes from, how to read it --------------------------------------------------

function missingView(app) {
  const { board, state } = app;
  const counts = new Map();
  for (const each of board.absent) counts.set(each.kind, (counts.get(each.kind) || 0) + each.at.length);
  const columns = [
    { key: "kind", title: "What", left: true, value: (g) => ["failed", "missing", "not applicable", "undefined"].indexOf(g.kind), cell: (g) => el("strong", {}, g.kind) },
    { key: "jobs", title: "Jobs", value: (g) => g.at.length, cell: (g) => whole(g.at.length) },
    { key: "subject", title: "Model or baseline", left: true, value: (g) => g.subject, cell: (g) => g.subject },
    { key: "task", title: "Task", left: true, value: (g) => g.task, cell: (g) => g.task },
    { key: "reason", title: "Why", left: true, value: (g) => g.reason, cell: (g) => g.reason },
    { key: "at", title: "Addresses", left: true, cell: (g) => el("details", {}, el("summary", {}, "show"), g.at.slice(0, 200).map((at) => el("code", {}, address(board, at), " ")), g.at.length > 200 && `and ${g.at.length - 200} more`) },
  ];
  const shown = (group) => found(app.state.q, group.kind, group.subject, group.task, group.reason);
  const made = dataTable({ id: "absent", caption: "Jobs without a score, or without a value for a metric", columns, rows: board.absent, sort: state.sort || "kind:up", filter: shown, onSort: app.sortBy });
  app.live = { ...made, shown };
  return [
    bar(search(state, app.search)),
    el("h2", {}, "What is missing, and why"),
    el("p", {}, `${plural(board.scored, "job")} scored; `, [...counts].map(([kind, n]) => `${n.toLocaleString("en-US")} ${kind}`).join(", ") || "nothing is missing", ". Nothing that is missing counts as a score."),
    board.absent.length > 0 && made.node,
    board.pruned.length > 0 && section("Combinations that cannot be", simpleTable("Pruned combinations", ["combinations", "models", "samplers", "corpora", "tasks", "data sets", "why"], board.pruned.map((each) => [whole(each.n), each.model || "all", each.sampler || "all", each.corpus || "all", each.task || "all", each.dataset || "all", each.reason]))),
    board.unusable.length > 0 && section("Plugins that could not be used", simpleTable("Plugins that could not be used", ["plugin", "distribution", "why"], board.unusable)),
  ];
}

function provenanceView(app) {
  const { provenance, ...board } = app.board;
  app.live = null;
  const facts = [["harness", provenance.harness], ["finished", board.finished], ["device", provenance.device], ["precision", provenance.precision], ["seeds", provenance.seeds], ...provenance.environments.map((each) => ["computed with", each]), ["schema of board.json", String(board.schema_version)]].filter(([, value]) => value);
  return [
    el("h2", {}, "Where these numbers come from"),
    board.about && el("p", {}, board.about),
    el("dl", {}, facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])),
    section("Plugins", simpleTable("Plugins", ["kind", "plugin", "version", "distribution", "licence", "to be cited", "caveats"], provenance.plugins)),
    section("Data", simpleTable("Data", ["kind", "data", "cells", "digest", "notes"], provenance.data.map(([kind, name, n, digest, notes]) => [kind, name, n, el("code", {}, digest.slice(0, 16)), notes]))),
    provenance.overlap.length > 0 && section("Genes in common", simpleTable("Genes in common", ["data set", "corpus", "shares"], provenance.overlap)),
    provenance.fits.rows.length > 0 && section("Fits", simpleTable("Fits", provenance.fits.columns, provenance.fits.rows, (place) => place === 0)),
    provenance.samples.rows.length > 0 && section("Samples", simpleTable("Samples", provenance.samples.columns, provenance.samples.rows, (place) => place < 2)),
  ];
}

function helpView(app) {
  app.live = null;
  const lines = app.board.how_to_read.split(/\n(?=- )/).map((line) => line.replace(/^- /, "").replaceAll("\n", " ").replaceAll("**", "").replaceAll("`", "").trim()).filter(Boolean);
  return [
    el("h2", {}, "How to read it"),
    el("ul", { class: "prose" }, lines.map((line) => el("li", {}, line))),
    section("Marks", el("ul", { class: "plain" }, Object.entries(MARKS).map(([key, { sign, words }]) => el("li", {}, el("span", { class: `mark ${key}` }, sign), ` ${words}`)))),
    section("Saturation rules", el("dl", {}, Object.entries(RULES).flatMap(([rule, words]) => [el("dt", {}, rule), el("dd", {}, words)]))),
    section("Keys", el("dl", {}, [["/", "search"], ["1 to 8", "the views"], ["arrows", "walk over the saturation map"], ["Esc", "close a curve"]].flatMap(([key, deed]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, deed)]))),
    section("Links", el("p", {}, "The address of this page changes with what you look at: copy it to show somebody the same. Every number is one of board.json beside the page; every run names the address of its job.", !app.board.every_run && " To stay small, this page holds single runs of the primary metrics only; those of the others are in board.json.")),
  ];
}
