// How scores scale with cells: a row for the law of every curve, of the primary metric of its task.

function scalingView(app) {
  const { board, state } = app;
  const curves = scalingCurves(app);
  const fitted = curves.filter(({ law, gain }) => law || gain);
  const reasons = distinct(fitted.flatMap(reasonsOf));
  const shown = (row) =>
    found(state.q, row.curve.subject, row.curve.sampler, row.curve.table.id, (row.law || {}).answer) &&
    (!state.law || (row.law || {}).answer === state.law);
  const made = dataTable({
    id: "scaling",
    caption: "Scaling law and gain per tenfold of the cells of every curve",
    columns: scalingColumns(app, reasons),
    rows: fitted,
    sort: state.sort || "gain:down",
    filter: shown,
    onSort: app.sortBy,
  });
  app.live = { ...made, shown };
  return [
    bar(taskChoice(app, true), samplerChoice(app), lawChoice(app), search(state, app.search)),
    el("h2", {}, "How scores scale with cells"),
    elasticitiesSection(board.elasticities),
    el("h3", {}, "Curve by curve"),
    fitted.length ? [scalingLegend(), made.node, reasonList(reasons)] : noFits(),
    fitted.length > 0 && fitted.length < curves.length && unfitted(curves.length - fitted.length),
  ];
}

/** The curves of the chosen tasks and samplers with what their fits say. */
function scalingCurves(app) {
  const { task, sampler } = app.state;
  const chosen = app.board.byTable.get(task);
  return (chosen ? [chosen] : app.board.tables)
    .flatMap((table) => table.curves)
    .filter((curve) => ofSampler(curve, sampler))
    .map((curve) => {
      const metric = curve.table.primary;
      const means = summary(curve, metric).map((at) => at.mean);
      const [law, gain] = [lawOf(curve, metric), marginalGainOf(curve, metric)];
      return { curve, law, gain, digits: decimals(means) };
    });
}

function lawChoice(app) {
  const laws = Object.entries(LAWS).map(([law, words]) => [law, `${law}: ${words}`]);
  return choice("law", "Law", [["", "Any"], ...laws], app.state.law, (law) => app.go({ law }));
}

function scalingColumns(app, reasons) {
  const estimate = (each, say) => each && estimateCell(each, say, reasons);
  const isOneTask = app.board.byTable.has(app.state.task);
  return [
    {
      key: "model",
      title: "Model",
      left: true,
      head: 0,
      value: ({ curve }) => curve.subject,
      cell: ({ curve }) => nameOf(app, curve),
    },
    !isOneTask && {
      key: "task",
      title: "Task",
      left: true,
      value: ({ curve }) => curve.table.id,
      cell: ({ curve }) => [curve.table.id, el("span", { class: "small" }, curve.table.primary)],
    },
    {
      key: "sampler",
      title: "Sampler",
      left: true,
      value: ({ curve }) => curve.sampler,
      cell: ({ curve }) => curve.sampler && soft(curve.sampler),
    },
    {
      key: "law",
      title: "Law (weight)",
      left: true,
      hint: "the one of most weight by AICc",
      value: ({ law }) => law && law.answer,
      cell: ({ law }) => law && lawCell(law, reasons),
    },
    {
      key: "limit",
      title: "Limit [95\u00a0%]",
      hint: "E of E + A n^-a, whatever its weight",
      value: ({ law }) => law && law.limit.value,
      cell: ({ law, digits }) => law && estimate(law.limit, numberTo(digits)),
    },
    {
      key: "exponent",
      title: "Exponent [95\u00a0%]",
      hint: "a of E + A n^-a, whatever its weight",
      value: ({ law }) => law && law.exponent.value,
      cell: ({ law }) => law && estimate(law.exponent, exponentWords),
    },
    {
      key: "gain",
      title: "Gain per tenfold of the cells [95\u00a0%]",
      hint: "over all trained sizes; positive is better",
      value: ({ gain }) => gain && gain.per_decade.value,
      cell: ({ gain, digits }) => gain && estimate(gain.per_decade, signedTo(digits)),
    },
    {
      key: "error",
      title: "Largest size, predicted",
      hint: "from the smaller sizes, against what was observed; sorted by how far off",
      value: ({ law }) => law && missedBy(law.held_out),
      cell: ({ law, digits }) => law && law.held_out && heldOutCell(law.held_out, digits, reasons),
    },
  ].filter(Boolean);
}

// -- cells --------------------------------------------------------------------------------------------------

/** The value, below it its interval, or a note that says why there is none. */
function estimateCell(estimate, say, reasons) {
  if (!isKnown(estimate.value)) return notTold(estimate.reason, reasons);
  const range = rangeWords(estimate, say);
  return [
    say(estimate.value),
    range ? el("span", { class: "small" }, range) : noteOf(estimate.reason, reasons),
  ];
}

function lawCell(law, reasons) {
  if (!law.answer) return notTold(law.reason, reasons);
  return [
    el("span", { class: "unbroken" }, law.answer),
    el("span", { class: "small" }, weightWords(law.weights[law.answer])),
  ];
}

function heldOutCell({ size, predicted, observed, error }, digits, reasons) {
  if (!isKnown(predicted)) return notTold(error.reason, reasons);
  const observedWords = ` observed ${number(observed, digits)} at ${cells(size)}`;
  return [
    number(predicted, digits),
    el("span", { class: "muted" }, observedWords),
    el("span", { class: "small" }, "off by ", missCell(error, signedTo(digits), reasons)),
  ];
}

function missCell(error, say, reasons) {
  const range = rangeWords(error, say);
  return [say(error.value), range ? ` ${range}` : noteOf(error.reason, reasons)];
}

const missedBy = (heldOut) =>
  heldOut && isKnown(heldOut.error.value) ? Math.abs(heldOut.error.value) : null;

// -- reasons, each told once below the table ----------------------------------------------------------------

const notTold = (reason, reasons) =>
  el("span", { class: "muted", title: reason }, "not told", noteOf(reason, reasons));

const noteOf = (reason, reasons) => reason && el("sup", {}, String(reasons.indexOf(reason) + 1));

/** What stands in a row with a note. */
function reasonsOf({ law, gain }) {
  const estimates = [
    ...(law ? [law.limit, law.exponent] : []),
    ...(law && law.held_out ? [law.held_out.error] : []),
    ...(gain ? [gain.per_decade] : []),
  ];
  return [law && !law.answer && law.reason, ...estimates.map((each) => each.reason)].filter(Boolean);
}

const reasonList = (reasons) =>
  reasons.length > 0 &&
  el(
    "ol",
    { class: "legend muted", "aria-label": "Why something is not told" },
    reasons.map((reason) => el("li", {}, reason)),
  );

// -- what stands around the table ---------------------------------------------------------------------------

/** In the words of BOARD.md. */
function elasticitiesSection(found) {
  if (!found) return null;
  const runs = found.n.toLocaleString("en-US");
  const left = found.n_excluded
    ? ` ${plural(found.n_excluded, "run")} without a diversity, a floor or a ceiling stayed out.`
    : "";
  return section(
    "What more, and more diverse, data bring",
    el(
      "p",
      {},
      "Change of the normalised score (floor 0, ceiling 1) per tenfold of one at an equal amount of the other, ",
      `over ${runs} runs of all models and tasks on ${plural(found.n_clusters, "data set")}.${left}`,
    ),
    factList([
      ["cells", estimateWords(found.size, signedTo(3))],
      ["diversity (Vendi) of the sample", estimateWords(found.diversity, signedTo(3))],
    ]),
  );
}

const scalingLegend = () =>
  el(
    "p",
    { class: "legend muted" },
    "By primary metric. Law: the one of most weight by AICc. ",
    Object.entries(LAWS)
      .map(([law, words]) => `${law}: ${words}`)
      .join("; "),
    ". A name opens the curve.",
  );

const noFits = () =>
  el(
    "p",
    { class: "muted" },
    "Nothing is fitted here: no curve was judged, or the board is older than fits.",
  );

const unfitted = (n) =>
  el("p", { class: "muted" }, `${plural(n, "curve")} not judged and without a fit: the details say why.`);
