// The board as it was embedded, and what follows from it: means, places, saturation points.

async function readBoard() {
  const bytes = decoded(document.getElementById("data").textContent.trim());
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return prepare(await new Response(stream).json());
}

function decoded(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

function prepare(board) {
  board.byTable = new Map(board.tables.map((table) => [table.id, table]));
  for (const table of board.tables) {
    for (const entry of table.constants) entry.table = table;
    for (const entry of table.curves) Object.assign(entry, { table, isCurve: true });
  }
  const curves = board.tables.flatMap((table) => table.curves);
  board.hasVerdicts = curves.some(({ metrics }) => Object.values(metrics).some((metric) => metric.verdict));
  board.subjects = subjectsOf(board);
  board.samplers = distinct(curves.map((curve) => curve.sampler).filter(Boolean)).sort();
  board.sizes = sizesOf(curves);
  return board;
}

/** Trained sizes, ascending. */
const sizesOf = (curves) =>
  ascending(distinct(curves.flatMap((curve) => curve.size)).filter((size) => size > 0));
const ascending = (values) => [...values].sort((a, b) => a - b);

const distinct = (values) => [...new Set(values)];

/** Everything that is placed: a model at one budget, or one without pretraining; oracles and baselines stand apart. */
function subjectsOf(board) {
  const subjects = new Map();
  const budgets = distinct(
    board.tables.flatMap((table) => table.curves.map((curve) => curve.budget)).filter(Boolean),
  );
  for (const table of board.tables) {
    for (const entry of [...table.curves, ...table.constants]) {
      entry.subject = budgets.length > 1 && entry.budget ? `${entry.model}, ${entry.budget}` : entry.model;
      entry.kind = kindOf(entry);
      if (!subjects.has(entry.subject)) subjects.set(entry.subject, newSubject(entry));
      join(subjects.get(entry.subject), table, entry);
    }
  }
  return [...subjects.values()];
}

function kindOf({ arm, is_baseline: isBaseline }) {
  if (arm === "oracle") return "oracle";
  if (isBaseline || arm === "baseline") return "baseline";
  return arm === "reference" ? "reference" : "model";
}

const newSubject = (entry) => ({
  name: entry.subject,
  kind: entry.kind,
  label: entry.model,
  supervised: entry.supervised,
  entries: new Map(),
});

function join(subject, table, entry) {
  if (entry.kind === "model") subject.kind = "model";
  // Baselines and oracles that are a task's own answers are asked there alone.
  subject.everywhere ||= entry.arm !== "baseline" && entry.arm !== "oracle";
  if (!subject.entries.has(table.id)) subject.entries.set(table.id, []);
  subject.entries.get(table.id).push(entry);
}

const directionOf = (table, metric) => (table.metrics[metric].direction === "down" ? -1 : 1);
const arrowOf = (table, metric) => (directionOf(table, metric) > 0 ? "↑" : "↓");

/** Runs with a value by size: [{size, n, mean, sd, runs: [{value, at, seed}]}]; a size of null is a constant's. */
function summary(entry, metric) {
  const found = entry.metrics[metric];
  if (!found) return [];
  found.summary ||= found.sizes
    ? found.sizes.map(([size, n, mean, sd]) => ({ size, n, mean, sd, runs: [] }))
    : [...runsBySize(entry, found.values)]
        .sort((a, b) => a[0] - b[0])
        .map(([size, runs]) => spreadOf(size, runs));
  return found.summary;
}

function runsBySize(entry, values) {
  const groups = new Map();
  values.forEach((value, place) => {
    if (value === null) return;
    const size = entry.size[place];
    if (!groups.has(size)) groups.set(size, []);
    groups.get(size).push({ value, at: entry.at[place], seed: entry.seed[place] });
  });
  return groups;
}

function spreadOf(size, runs) {
  const n = runs.length;
  const mean = runs.reduce((sum, run) => sum + run.value, 0) / n;
  const squares = runs.reduce((sum, run) => sum + (run.value - mean) ** 2, 0);
  return { size, n, mean, sd: n > 1 ? Math.sqrt(squares / (n - 1)) : null, runs };
}

const atSize = (entry, metric, size) => summary(entry, metric).find((at) => at.size === size) || null;

/** The mean by which an entry is placed: at its best size, or the constant's. */
function best(entry, metric) {
  const found = entry.metrics[metric];
  if (!found) return null;
  return entry.isCurve ? atSize(entry, metric, found.best) : summary(entry, metric)[0] || null;
}

/** The comparison with the best baseline: at the largest size, which was not chosen by its score. */
function finding(entry, metric) {
  const found = entry.metrics[metric];
  if (!found) return null;
  const at = entry.isCurve ? Math.max(...summary(entry, metric).map((each) => each.size)) : null;
  return found.no_change.find((each) => each.size === at) || null;
}

/** What became of the runs without a value, in words. */
function whyAbsent(entry, metric) {
  const found = entry.metrics[metric];
  const states = distinct(
    (found ? found.absent : []).map(([, status]) => (status === "ok" ? "undefined" : status)),
  );
  return states.join(", ");
}

function costOf(entry, size) {
  const cost = entry.cost[String(size)];
  return cost ? cost.seconds : null;
}

const RULES = {
  R0: "as published: smallest size with any run above 95 % of the best run",
  R1: "the published rule on seed means",
  R2: "all larger sizes pass too",
  R3: "90 % of the gain over the untrained control, monotone fit",
  R4: "not inferior to any larger size",
  R5: "90 % of the gain, from the fitted curve",
};

/** The saturation point of a curve by a rule, with the sizes that hold 95 % of the resamples; none for a single size. */
function saturation(curve, metric, rule) {
  const found = curve.metrics[metric];
  if (!found || summary(curve, metric).filter((at) => at.size > 0).length < 2) return null;
  const point = found.verdict ? found.verdict.saturation[rule] : rule === "R0" ? found.r0 : null;
  if (!point || !isKnown(point.size)) return null;
  const { size, censored, distribution, family } = point;
  return { size, censored: censored || "none", within: within(distribution), distribution, family };
}

/** The smallest and largest size left when the tails of a distribution over sizes are cut off. */
function within(distribution, share = 0.95) {
  const answers = Object.entries(distribution || {})
    .map(([size, each]) => [Number(size), each])
    .filter(([, each]) => each > 0)
    .sort((a, b) => a[0] - b[0]);
  const total = answers.reduce((sum, [, each]) => sum + each, 0);
  if (total <= 0) return null;
  const tail = ((1 - share) / 2) * total;
  return [endOf(answers, tail), endOf([...answers].reverse(), tail)];
}

function endOf(answers, tail) {
  let passed = 0;
  const end = answers.find(([, each]) => (passed += each) >= tail);
  return (end || answers[answers.length - 1])[0];
}

const ofSampler = (entry, sampler) => !sampler || !entry.sampler || entry.sampler === sampler;
const asShare = (curve, size) => (curve.corpus_cells ? size / curve.corpus_cells : null);

function saturationWords(curve, point, unit = "cells") {
  if (!point) return NOTHING;
  const share = asShare(curve, point.size);
  const said = unit === "share" && share !== null ? percent(share) : cells(point.size);
  return CENSORED[point.censored] + said;
}

/** Places of one table: the board's own where it has them, by name of the model. */
function placesOf(ranking) {
  return new Map((ranking ? ranking.rows : []).map((row) => [row.model, row]));
}

const address = (board, at) =>
  isKnown(at) ? board.addresses.slice(at * board.digits, (at + 1) * board.digits) : null;

/** The best entry of a subject in a table, for a sampler if one is named. */
function bestEntry(subject, table, metric, sampler) {
  const entries = (subject.entries.get(table.id) || []).filter((entry) => ofSampler(entry, sampler));
  const sign = directionOf(table, metric);
  let top = null;
  for (const entry of entries) {
    const at = best(entry, metric);
    if (at && (!top || sign * at.mean > sign * top.at.mean)) top = { entry, at };
  }
  return top || (entries.length ? { entry: entries[0], at: null } : null);
}
