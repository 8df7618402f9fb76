// Two models side by side, on every task.

function compareView(app) {
  const { board, state } = app;
  const named = new Map(board.subjects.map((subject) => [subject.name, subject]));
  const [a, b] = [named.get(state.a), named.get(state.b)];
  const top = bar(
    modelChoice(app, "a", "Model"),
    modelChoice(app, "b", "and"),
    samplerChoice(app),
    ruleChoice(app),
  );
  if (!a) return [top, el("p", { class: "muted" }, "Choose two models to see them side by side.")];
  const both = [a, b].filter(Boolean);
  const rows = board.tables.map((table) => compareRow(app, table, both)).filter(Boolean);
  const titles = both.flatMap((each) => [each.name, "over doing nothing", "saturates at"]);
  return [
    top,
    el("h2", {}, both.map((each) => each.name).join(" and ")),
    simpleTable(
      "Side by side",
      ["Task", ...titles, ...(b ? ["difference"] : [])],
      rows,
      (place) => place === 0,
    ),
    b &&
      el(
        "p",
        { class: "muted" },
        "The difference is that of the two means, first minus second, turned so that positive is better; ",
        "▸ marks the better one. Whether two models differ beyond noise is for ranks and tiers to say.",
      ),
    el(
      "div",
      { class: "gallery wide" },
      board.tables.map((table) => compareCard(app, table, both)).filter(Boolean),
    ),
  ];
}

function modelChoice(app, id, title) {
  const names = app.board.subjects
    .filter((subject) => subject.everywhere)
    .map((subject) => subject.name)
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const options = [["", "choose …"], ...names.map((name) => [name, name])];
  return choice(id, title, options, app.state[id], (name) => app.go({ [id]: name }));
}

function compareRow(app, table, both) {
  const cells = both.map((subject) => cellFor(app, subject, table));
  if (cells.every((cell) => !cell)) return null;
  const sign = directionOf(table, table.primary);
  const gap = both.length === 2 && cells.every(isScored) ? sign * (cells[0].mean - cells[1].mean) : null;
  const isBetter = (place) => gap !== null && (place ? gap < 0 : gap > 0);
  return [
    el("a", { href: app.link({ view: "ranking", task: table.id }) }, table.id),
    ...cells.flatMap((cell, place) => [
      [isBetter(place) ? "▸ " : "", taskCell(app, cell)],
      cell && gainWords(finding(cell.entry, table.primary)),
      cell && cell.point ? saturationWords(cell.entry, cell.point) : null,
    ]),
    ...(both.length === 2 ? [gap === null ? null : signed(gap)] : []),
  ];
}

function compareCard(app, table, both) {
  const metric = table.primary;
  const curves = both
    .map((subject) => bestEntry(subject, table, metric, app.state.sampler))
    .map((top) => top && top.entry)
    .filter((entry) => entry && entry.isCurve && summary(entry, metric).length);
  if (!curves.length) return null;
  const key = (curve, place) => {
    const style = { "border-color": `var(${INKS[place]})`, "border-style": place ? "dashed" : "solid" };
    return el("li", {}, el("span", { class: "dash", style }), curve.id);
  };
  return el(
    "article",
    { class: "card" },
    el("h3", {}, table.id, el("span", { class: "muted" }, ` ${metric}`)),
    curvePicture(curves, metric, app.rule, { height: 220 }),
    el("ul", { class: "key" }, curves.map(key)),
  );
}
