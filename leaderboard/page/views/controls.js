// What a reader chooses with, and what the choices that all views share mean.

function choice(id, title, options, value, change) {
  const select = el(
    "select",
    { id, on: { change: () => change(select.value) } },
    options.map(([key, words]) => el("option", { value: key, selected: key === value }, words)),
  );
  return el("label", { class: "control", for: id }, el("span", {}, title), select);
}

function search(state, change) {
  const input = el("input", {
    id: "q",
    type: "search",
    value: state.q,
    placeholder: "model, task, sampler …",
    autocomplete: "off",
    on: { input: () => change(input.value) },
  });
  const key = el("kbd", { "aria-hidden": "true" }, "/");
  return el("label", { class: "control", for: "q" }, el("span", {}, "Search ", key), input);
}

function taskChoice(app, all) {
  const named = app.board.tables.map((table) => [table.id, table.id]);
  const options = [...(all ? [["", "All tasks"]] : []), ...named];
  return choice("task", "Task", options, app.state.task, (task) => app.go({ task, metric: "", sort: "" }));
}

/** The task of a view that shows one at a time. */
function oneTaskChoice(app, table) {
  const named = app.board.tables.map((each) => [each.id, each.id]);
  return choice("task", "Task", named, table.id, (task) => app.go({ task, metric: "" }));
}

function samplerChoice(app) {
  const { samplers } = app.board;
  if (samplers.length < 2) return false;
  const options = [["", "All samplers"], ...samplers.map((sampler) => [sampler, sampler])];
  return choice("sampler", "Sampler", options, app.state.sampler, (sampler) => app.go({ sampler }));
}

function metricChoice(app, table) {
  const options = Object.keys(table.metrics).map((name) => {
    const primary = name === table.primary;
    return [primary ? "" : name, `${name} ${arrowOf(table, name)}${primary ? " (primary)" : ""}`];
  });
  return choice("metric", "Metric", options, app.state.metric, (metric) => app.go({ metric, sort: "" }));
}

function ruleChoice(app, id = "rule") {
  if (!app.board.hasVerdicts) return false;
  const options = Object.entries(RULES).map(([rule, words]) => [rule, `${rule}: ${words}`]);
  return choice(id, "Saturation by", options, app.state.rule, (rule) => app.go({ rule }));
}

function markChoice(app) {
  const marks = Object.entries(MARKS).map(([key, { sign, short }]) => [key, `${sign} ${short}`]);
  return choice("show", "Against doing nothing", [["", "Any"], ...marks], app.state.show, (show) =>
    app.go({ show }),
  );
}

const bar = (...controls) => el("div", { class: "bar" }, ...controls);

/** The table that is looked at, else the first with curves. */
const tableOf = (app) =>
  app.board.byTable.get(app.state.task) ||
  app.board.tables.find((table) => table.curves.length) ||
  app.board.tables[0];

const metricOf = (app, table) =>
  Object.hasOwn(table.metrics, app.state.metric) ? app.state.metric : table.primary;

/** Whether every word that is searched for stands in one of these texts. */
const found = (q, ...texts) =>
  q
    .toLowerCase()
    .split(/\s+/)
    .every((word) => texts.some((text) => text && text.toLowerCase().includes(word)));

const openLink = (app, entry) => app.link({ open: `${entry.table.id} :: ${entry.id}` });

const badges = (supervised, kind) => [
  supervised && el("span", { class: "badge" }, "trained with labels"),
  KINDS[kind] && el("span", { class: "badge" }, KINDS[kind]),
];

const nameOf = (app, entry) => [
  el("a", { href: openLink(app, entry) }, soft(entry.subject)),
  badges(entry.supervised, entry.kind),
];
