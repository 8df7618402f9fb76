// Who is ahead: of one task, or over all; and what both have in common.

function rankingView(app) {
  const table = app.board.byTable.get(app.state.task);
  return table ? taskRanking(app, table) : overallRanking(app);
}

const placeOf = (places, entry) => places.get(entry.ranked_as) || places.get(entry.model);

function placeColumn(row, most) {
  return {
    key: "place",
    title: "Rank",
    hint: "rank with its 95 % interval; models that share a letter of their tiers are tied",
    value: (each) => {
      const place = row(each);
      return place && place.rank !== null ? place.rank : null;
    },
    cell: (each) => placeCell(row(each), most),
  };
}

function placeCell(place, most) {
  if (!place || !isKnown(place.rank)) return null;
  const tier = place.tier && ` · tier ${place.tier}`;
  const within = isKnown(place.low) && [
    placePicture(place, most),
    el("span", { class: "small" }, `${rankText(place.low)} to ${rankText(place.high)}`, tier),
  ];
  return el("span", { class: "places" }, el("strong", {}, rankText(place.rank)), within);
}

/** What must be known of ranks: whom they leave out, and of what they speak. */
function rankingNotes(ranking, tasks) {
  if (!ranking) return null;
  const out = [...ranking.unranked, ...ranking.left_out];
  return [
    el(
      "p",
      { class: "legend muted" },
      "Ranks are those of every model at its largest size, over all samplers; models that share a letter ",
      "of their tiers are not shown to differ.",
      tasks > 1 &&
        !ranking.of_tasks_like_these &&
        " They speak of these tasks alone: there are too few data sets to speak of others.",
      ranking.reason && ` No ranks: ${ranking.reason}.`,
    ),
    out.length > 0 &&
      el(
        "details",
        {},
        el("summary", {}, `${plural(out.length, "model or task", "models or tasks")} without a rank`),
        el(
          "ul",
          {},
          out.map(([name, why]) => el("li", {}, `${name}: ${why}`)),
        ),
      ),
  ];
}

const markLegend = () =>
  Object.entries(MARKS).flatMap(([key, { sign, words }]) => [
    el("span", { class: `mark ${key}` }, sign),
    ` ${words}   `,
  ]);

const legend = (app) =>
  el(
    "p",
    { class: "legend muted" },
    markLegend(),
    `Saturation by ${app.rule}: ${RULES[app.rule]}; ≤ the smallest size tested, ≥ the largest, > beyond it.`,
  );
