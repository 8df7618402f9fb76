// At a glance: a card per task, with who is ahead, by how much, and whether that beats doing nothing.

const FIRST_CARDS = 8;

function glance(app, rows) {
  const cards = app.board.tables.map((table, t) => taskCard(app, table, t, rows));
  const rest = cards.length - FIRST_CARDS;
  return el(
    "section",
    {},
    el("h2", { class: "heard" }, "At a glance"),
    el(
      "p",
      { class: "legend muted" },
      "Scores at each model's best size; the marks and ties compare at the largest, which was not chosen by its score.",
    ),
    el("ul", { class: "cards" }, cards.slice(0, FIRST_CARDS)),
    rest > 0 &&
      el(
        "details",
        {},
        el("summary", {}, `${rest} more tasks`),
        el("ul", { class: "cards" }, cards.slice(FIRST_CARDS)),
      ),
  );
}

function taskCard(app, table, t, rows) {
  const sign = directionOf(table, table.primary);
  const mean = (row) => row.cells[t].mean;
  const scored = rows
    .filter((row) => isScored(row.cells[t]) && row.subject.kind === "model")
    .sort((a, b) => sign * (mean(b) - mean(a)));
  const [first, second] = scored;
  const nothing = bestBaseline(table);
  return el(
    "li",
    { class: "card" },
    el("h3", {}, el("a", { href: app.link({ task: table.id }) }, table.id)),
    leader(first, t),
    first && tiedWith(table, first, scored),
    second && el("p", { class: "muted" }, "then ", second.subject.name, " ", number(mean(second))),
    nothing && el("p", { class: "muted" }, "doing nothing: ", nothing.name, " ", number(nothing.mean)),
    beating(table, t, scored),
  );
}

function leader(first, t) {
  if (!first) return el("p", { class: "lead muted" }, "no pretrained model has a score");
  const { mean, verdict } = first.cells[t];
  const digits = el("span", { class: "digits" }, number(mean));
  return el("p", { class: "lead" }, el("strong", {}, first.subject.name), " ", digits, " ", mark(verdict));
}

/** Who is not shown to differ from the one ahead: they share a letter of their tiers. */
function tiedWith(table, first, scored) {
  const places = placesOf(table.ranking);
  if (!places.size) return null;
  const tier = (row) => (placeOf(places, (row.subject.entries.get(table.id) || [{}])[0]) || {}).tier || "";
  const leading = tier(first);
  const tied = scored
    .filter((row) => row !== first && [...tier(row)].some((letter) => leading.includes(letter)))
    .map((row) => row.subject.name);
  const more = tied.length > 3 ? ` and ${tied.length - 3} more` : "";
  const names = `${tied.slice(0, 3).join(", ")}${more}`;
  return el("p", { class: "muted" }, tied.length ? `tied with ${names}` : "tied with nobody");
}

function bestBaseline(table) {
  const sign = directionOf(table, table.primary);
  const [first] = table.constants
    .filter((each) => each.kind === "baseline")
    .map((each) => ({ name: each.model, at: best(each, table.primary) }))
    .filter(({ at }) => at)
    .sort((a, b) => sign * (b.at.mean - a.at.mean));
  return first ? { name: first.name, mean: first.at.mean } : null;
}

function beating(table, t, scored) {
  const judged = scored.filter((row) => row.cells[t].verdict);
  const n = judged.filter((row) => row.cells[t].verdict === "beats").length;
  const words = judged.length
    ? `${n} of ${plural(judged.length, "model")} beat doing nothing`
    : "no model was judged";
  return el(
    "p",
    { class: judged.length && !n ? "warn" : "muted" },
    words,
    table.by_cell && " · split by cell",
  );
}
