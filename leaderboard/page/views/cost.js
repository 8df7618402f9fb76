// What the score costs: every entry at its best size, and the front that nothing cheaper matches.

function costView(app) {
  const table = tableOf(app);
  if (!table) return [el("p", {}, "This board has no table.")];
  const metric = metricOf(app, table);
  const points = costPoints(app, table, metric);
  const made = dataTable({
    id: "costs",
    caption: `Score and cost on ${table.id}`,
    columns: costColumns(app, metric),
    rows: points,
    sort: app.state.sort || "cost:up",
    onSort: app.sortBy,
  });
  app.live = { ...made, shown: () => true, choose: () => app.render() };
  return [
    bar(
      oneTaskChoice(app, table),
      metricChoice(app, table),
      samplerChoice(app),
      search(app.state, app.search),
    ),
    el(
      "h2",
      {},
      "What the score costs",
      el("span", { class: "muted" }, ` ${table.id}, ${metric} ${arrowOf(table, metric)}`),
    ),
    points.length
      ? costPicture(points, table, (each) => app.go({ open: `${table.id} :: ${each.entry.id}` }))
      : el("p", { class: "muted" }, "No score here has a cost: nothing was fitted or embedded."),
    el(
      "p",
      { class: "muted" },
      "Each at its best size. The line is the front: nothing cheaper scores as well. Seconds of fit and ",
      "embedding, mean over runs, on the device that Provenance names; they compare within one device ",
      "only.",
    ),
    points.length > 0 && made.node,
  ];
}

/** Entries with a score and a cost, cheapest first, each with whether it is on the front. */
function costPoints(app, table, metric) {
  const sign = directionOf(table, metric);
  const points = [...table.curves, ...table.constants]
    .filter((entry) => entry.kind !== "oracle" && ofSampler(entry, app.state.sampler))
    .filter((entry) => found(app.state.q, entry.subject, entry.sampler))
    .map((entry) => costPoint(entry, metric))
    .filter((point) => point && isKnown(point.cost))
    .sort((a, b) => a.cost - b.cost || sign * (b.score - a.score));
  let top = -Infinity;
  for (const each of points) {
    each.front = sign * each.score > top;
    top = Math.max(top, sign * each.score);
  }
  return points;
}

function costPoint(entry, metric) {
  const at = best(entry, metric);
  if (!at) return null;
  return {
    entry,
    cost: costOf(entry, at.size),
    score: at.mean,
    size: at.size,
    name: entry.sampler ? `${entry.subject}, ${entry.sampler}` : entry.subject,
    mark: (finding(entry, metric) || {}).verdict,
  };
}

const costColumns = (app, metric) => [
  {
    key: "model",
    title: "Model",
    left: true,
    value: (point) => point.entry.subject,
    cell: (point) => nameOf(app, point.entry),
  },
  {
    key: "sampler",
    title: "Sampler",
    left: true,
    value: (point) => point.entry.sampler,
    cell: (point) => point.entry.sampler,
  },
  {
    key: "score",
    title: metric,
    value: (point) => point.score,
    cell: (point) => [number(point.score), " ", mark(point.mark)],
  },
  { key: "size", title: "Cells", value: (point) => point.size, cell: (point) => cells(point.size) },
  {
    key: "cost",
    title: "Cost per run",
    value: (point) => point.cost,
    cell: (point) => seconds(point.cost),
  },
  {
    key: "front",
    title: "On the front",
    value: (point) => (point.front ? 0 : 1),
    cell: (point) => (point.front ? "yes" : null),
  },
];
