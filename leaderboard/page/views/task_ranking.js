// One task: a row for every curve and every constant.

function taskRanking(app, table) {
  const { state } = app;
  const metric = metricOf(app, table);
  const sign = directionOf(table, metric);
  const ranked = rankedEntries(app, table, metric);
  const shown = (entry) =>
    found(state.q, entry.subject, entry.sampler, entry.kind) &&
    (!state.show || (ranked.findings.get(entry) || {}).verdict === state.show);
  const made = dataTable({
    id: "ranking",
    caption: `Ranking on ${table.id}, ${metric}`,
    columns: taskColumns(app, table, metric, ranked),
    rows: ranked.entries,
    sort: state.sort || `best:${sign > 0 ? "down" : "up"}`,
    filter: shown,
    onSort: app.sortBy,
  });
  app.live = { ...made, shown };
  const better = ` ${metric} ${sign > 0 ? "↑ larger is better" : "↓ smaller is better"}`;
  return [
    bar(
      taskChoice(app, true),
      metricChoice(app, table),
      samplerChoice(app),
      ruleChoice(app),
      markChoice(app),
      search(state, app.search),
    ),
    el("h2", {}, table.id, el("span", { class: "muted" }, better)),
    el("p", { class: "muted" }, table.split),
    table.by_cell &&
      el(
        "p",
        { class: "notice" },
        "Split by cell: the same donors and batches teach and test, so scores are optimistic.",
      ),
    ...made.node,
    rankingNotes(table.ranking, 1),
    legend(app),
    table.notes && el("details", {}, el("summary", {}, "Notes on the data"), el("p", {}, table.notes)),
  ];
}

/** The rows of a task, and what its columns compare them by. */
function rankedEntries(app, table, metric) {
  const all = [...table.curves, ...table.constants];
  const entries = all.filter((entry) => ofSampler(entry, app.state.sampler));
  for (const entry of entries) entry.className = entry.kind === "model" ? null : "constant";
  const findings = new Map(entries.map((entry) => [entry, finding(entry, metric)]));
  const tops = new Map(entries.map((entry) => [entry, best(entry, metric)]));
  const judged = [...findings.values()].filter((each) => each && each.low !== undefined);
  const ends = judged.flatMap((each) => [each.low, each.high]);
  return {
    entries,
    findings,
    tops,
    places: metric === table.primary ? placesOf(table.ranking || app.board.ranking) : new Map(),
    digits: decimals([...tops.values()].map((at) => at && at.mean)),
    reach: [Math.min(0, ...ends), Math.max(1e-9, ...ends)],
  };
}

function taskColumns(app, table, metric, { findings, tops, places, digits, reach }) {
  const sampler = samplerWords(table);
  return [
    placeColumn((entry) => placeOf(places, entry), places.size),
    {
      key: "model",
      title: "Model",
      left: true,
      head: 1,
      value: (entry) => entry.subject,
      cell: (entry) => nameOf(app, entry),
    },
    {
      key: "sampler",
      title: sampler.title,
      left: true,
      value: (entry) => entry.sampler,
      cell: (entry) => (entry.sampler ? soft(sampler.of(entry)) : null),
    },
    {
      key: "untrained",
      title: "Untrained",
      hint: "the same model with random weights",
      value: (entry) => meanAt(entry, metric, 0),
      cell: (entry) => (entry.isCurve ? written(atSize(entry, metric, 0), digits) : null),
    },
    {
      key: "best",
      title: "Best mean",
      hint: "mean over seeds at the size where it is best",
      value: (entry) => (tops.get(entry) && entry.kind !== "oracle" ? tops.get(entry).mean : null),
      cell: (entry) => bestCell(entry, metric, tops.get(entry), digits),
    },
    {
      key: "gain",
      title: "Gain over doing nothing",
      hint: "difference to the best baseline, paired by unit, with its 95 % interval",
      value: (entry) => (findings.get(entry) || {}).estimate ?? null,
      cell: (entry) => gainCell(entry, findings.get(entry), reach, digits),
    },
    {
      key: "verdict",
      title: "Verdict",
      left: true,
      hint: "level and trend of the learning curve",
      value: (entry) => verdictWords(entry, metric),
      cell: (entry) => verdictCell(entry, metric),
    },
    {
      key: "saturation",
      title: "Saturates at",
      hint: RULES[app.rule],
      value: (entry) => ((entry.isCurve && saturation(entry, metric, app.rule)) || { size: null }).size,
      cell: (entry) => saturationCell(entry, metric, app.rule),
    },
    {
      key: "seeds",
      title: "Seeds",
      hint: "runs at the best size; of how many, where some have no value",
      value: (entry) => (tops.get(entry) ? tops.get(entry).n : 0),
      cell: (entry) => seedsCell(entry, metric, tops.get(entry)),
    },
    {
      key: "cost",
      title: "Cost",
      hint: "fit and embedding at the best size, seconds per run",
      value: (entry) => costAtBest(entry, tops.get(entry)),
      cell: (entry) => seconds(costAtBest(entry, tops.get(entry))),
    },
  ];
}

/** Samplers are named with their corpus where there are several. */
function samplerWords(table) {
  const corpora = distinct(table.curves.map((curve) => curve.corpus)).filter(Boolean);
  if (corpora.length < 2) return { title: "Sampler", of: (entry) => entry.sampler };
  return { title: "Sampler (corpus)", of: (entry) => `${entry.sampler} (${entry.corpus})` };
}

function meanAt(entry, metric, size) {
  const at = entry.isCurve && atSize(entry, metric, size);
  return at ? at.mean : null;
}

const spread = (at, digits) =>
  at.sd !== null && el("span", { class: "muted" }, ` ± ${number(at.sd, digits)}`);
const written = (at, digits) => (at ? [number(at.mean, digits), spread(at, digits)] : null);
const costAtBest = (entry, at) => (at ? costOf(entry, at.size) : null);

function bestCell(entry, metric, at, digits) {
  if (!at) return el("span", { class: "absent" }, whyAbsent(entry, metric) || NOTHING);
  const size = entry.isCurve && el("span", { class: "small" }, `at ${cells(at.size)} cells`);
  return [el("strong", {}, number(at.mean, digits)), spread(at, digits), size];
}

function gainCell(entry, found, reach, digits) {
  if (!found) return entry.kind === "baseline" ? el("span", { class: "muted" }, "is a baseline") : null;
  if (found.low === undefined) return el("span", { class: "muted", title: found.reason }, "not judged");
  const remarks = [found.baseline && `over ${found.baseline}`, found.reason].filter(Boolean).join("; ");
  const within = `[${signed(found.low, digits)}, ${signed(found.high, digits)}]`;
  return el(
    "span",
    { class: "gains", title: remarks },
    mark(found.verdict),
    gainPicture(found, reach),
    el(
      "span",
      { class: "digits" },
      `${signed(found.estimate, digits)} `,
      el("span", { class: "muted" }, within),
    ),
  );
}

function verdictWords(entry, metric) {
  const verdict = entry.isCurve && entry.metrics[metric] && entry.metrics[metric].verdict;
  return verdict ? `${verdict.level} ${verdict.trend}` : null;
}

function verdictCell(entry, metric) {
  const { verdict, unjudged } = (entry.isCurve && entry.metrics[metric]) || {};
  if (!verdict) return unjudged ? el("span", { class: "muted", title: unjudged }, "not judged") : null;
  return [
    el("span", {}, LEVELS[verdict.level] || verdict.level),
    el("span", { class: "muted" }, " · "),
    el("span", {}, TRENDS[verdict.trend] || verdict.trend),
    flagged(verdict) && el("span", { class: "small warn" }, verdict.flags.join(", ")),
  ];
}

const flagged = (verdict) => verdict.flags && verdict.flags.length > 0;

function saturationCell(entry, metric, rule) {
  const point = entry.isCurve && saturation(entry, metric, rule);
  if (!point) return null;
  const share = asShare(entry, point.size);
  return [
    el("span", {}, saturationWords(entry, point)),
    share !== null && el("span", { class: "muted" }, ` (${percent(share)})`),
    point.within && el("span", { class: "small" }, `95 %: ${withinWords(point)}`),
  ];
}

function seedsCell(entry, metric, at) {
  if (!at) return "0";
  const { best: size, absent = [] } = entry.metrics[metric] || {};
  const lost = absent.filter(([place]) => !entry.isCurve || entry.size[place] === size).length;
  return lost ? `${at.n} of ${at.n + lost}` : String(at.n);
}
