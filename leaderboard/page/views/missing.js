// What is missing, and why.

const FIRST_ADDRESSES = 200;
const ABSENCES = ["failed", "missing", "not applicable", "undefined"];

function missingView(app) {
  const { board, state } = app;
  const shown = (group) => found(app.state.q, group.kind, group.subject, group.task, group.reason);
  const made = dataTable({
    id: "absent",
    caption: "Jobs without a score, or without a value for a metric",
    columns: absentColumns(board),
    rows: board.absent,
    sort: state.sort || "kind:up",
    filter: shown,
    onSort: app.sortBy,
  });
  app.live = { ...made, shown };
  return [
    bar(search(state, app.search)),
    el("h2", {}, "What is missing, and why"),
    el(
      "p",
      {},
      `${plural(board.scored, "job")} scored; `,
      absentCounts(board) || "nothing is missing",
      ". Nothing that is missing counts as a score.",
    ),
    board.absent.length > 0 && made.node,
    prunedSection(board.pruned),
    unusableSection(board.unusable),
  ];
}

function absentCounts(board) {
  const counts = new Map();
  for (const { kind, at } of board.absent) counts.set(kind, (counts.get(kind) || 0) + at.length);
  return [...counts].map(([kind, n]) => `${n.toLocaleString("en-US")} ${kind}`).join(", ");
}

const absentColumns = (board) => [
  {
    key: "kind",
    title: "What",
    left: true,
    value: (group) => ABSENCES.indexOf(group.kind),
    cell: (group) => el("strong", {}, group.kind),
  },
  {
    key: "jobs",
    title: "Jobs",
    value: (group) => group.at.length,
    cell: (group) => whole(group.at.length),
  },
  {
    key: "subject",
    title: "Model or baseline",
    left: true,
    value: (group) => group.subject,
    cell: (group) => group.subject,
  },
  { key: "task", title: "Task", left: true, value: (group) => group.task, cell: (group) => group.task },
  { key: "reason", title: "Why", left: true, value: (group) => group.reason, cell: (group) => group.reason },
  { key: "at", title: "Addresses", left: true, cell: (group) => addressesCell(board, group) },
];

function addressesCell(board, { at }) {
  const more = at.length > FIRST_ADDRESSES && `and ${at.length - FIRST_ADDRESSES} more`;
  const codes = at.slice(0, FIRST_ADDRESSES).map((each) => el("code", {}, address(board, each), " "));
  return el("details", {}, el("summary", {}, "show"), codes, more);
}

function prunedSection(pruned) {
  if (!pruned.length) return null;
  const kinds = ["model", "sampler", "corpus", "task", "dataset"];
  const rows = pruned.map((each) => [
    whole(each.n),
    ...kinds.map((kind) => each[kind] || "all"),
    each.reason,
  ]);
  const heads = ["combinations", "models", "samplers", "corpora", "tasks", "data sets", "why"];
  return section("Combinations that cannot be", simpleTable("Pruned combinations", heads, rows));
}

function unusableSection(unusable) {
  if (!unusable.length) return null;
  const title = "Plugins that could not be used";
  return section(title, simpleTable(title, ["plugin", "distribution", "why"], unusable));
}
