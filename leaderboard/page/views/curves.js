// All learning curves of a task, side by side.

function curvesView(app) {
  const table = tableOf(app);
  if (!table) return [el("p", {}, "This board has no table.")];
  const metric = metricOf(app, table);
  const cards = sortedCurves(app, table, metric).map((curve) => ({
    curve,
    node: curveCard(app, curve, metric),
  }));
  const shown = (curve) =>
    found(app.state.q, curve.subject, curve.sampler, curve.corpus) &&
    (!app.state.show || (finding(curve, metric) || {}).verdict === app.state.show);
  const choose = () => cards.forEach(({ curve, node }) => (node.hidden = !shown(curve)));
  app.live = { order: () => {}, shown, choose };
  choose();
  return [
    bar(
      oneTaskChoice(app, table),
      metricChoice(app, table),
      samplerChoice(app),
      ruleChoice(app),
      markChoice(app),
      search(app.state, app.search),
    ),
    el("h2", {}, table.id, el("span", { class: "muted" }, ` ${metric} ${arrowOf(table, metric)}`)),
    el(
      "p",
      { class: "legend muted" },
      "Dots are single runs, the line their mean, the band one standard deviation. Lines across: dotted ",
      "grey untrained, orange baselines, green ceiling or oracle, dotted blue the threshold of R0. Thin ",
      "dashed purple: the fitted law, where E + A n^-a is the answer. The marker on top is the saturation ",
      "point.",
    ),
    cards.length
      ? el(
          "div",
          { class: "gallery" },
          cards.map(({ node }) => node),
        )
      : el("p", { class: "muted" }, "No learning curves here: only models without pretraining were asked."),
  ];
}

/** Best mean first. */
function sortedCurves(app, table, metric) {
  const sign = directionOf(table, metric);
  const top = (curve) => {
    const at = best(curve, metric);
    return at ? sign * at.mean : -Infinity;
  };
  return table.curves.filter((curve) => ofSampler(curve, app.state.sampler)).sort((a, b) => top(b) - top(a));
}

function curveCard(app, curve, metric) {
  const said = finding(curve, metric);
  const point = saturation(curve, metric, app.rule);
  const { verdict } = curve.metrics[metric] || {};
  const sampler = curve.sampler ? ` ${curve.sampler}` : "";
  return el(
    "article",
    { class: "card" },
    el(
      "h3",
      {},
      el("a", { href: openLink(app, curve) }, curve.subject),
      el("span", { class: "muted" }, sampler),
    ),
    summary(curve, metric).length
      ? curvePicture([curve], metric, app.rule, { height: 170, small: true })
      : el("p", { class: "absent" }, whyAbsent(curve, metric) || "no score"),
    el(
      "p",
      { class: "small" },
      said ? mark(said.verdict, true) : NOTHING,
      verdict ? ` · ${TRENDS[verdict.trend] || verdict.trend}` : "",
      point ? ` · saturates ${saturationWords(curve, point)}` : "",
    ),
  );
}
