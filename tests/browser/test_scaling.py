"""Scaling laws and marginal gains as a reader meets them, in a real browser."""

import copy

import pytest

TASK = "typing 00 on lung"
HOSTILE = '"><img src=x onerror="window.hit = 1"> <b>why</b>'
"""A reason that no harness gives; a board may come from anywhere."""


def opens(name):
    return f"{TASK} :: {name} / random / atlas / 300 steps"


def curve_of(board, name):
    [curve] = [
        each
        for each in board["tables"][0]["curves"]
        if each["label"] == name and each["metric"] == "micro_f1"
    ]
    return curve


def estimate(value, low=None, high=None, reason=None):
    return {"value": value, "low": low, "high": high, "level": 0.95, "reason": reason}


@pytest.fixture(scope="module")
def fitted(opened, small):
    """A board on which ``model 000`` follows E + A n^-a, money was spent, and reasons are hostile."""
    board = copy.deepcopy(small[1])
    curve = curve_of(board, "model 000")
    curve["verdict"] = copy.deepcopy(curve["verdict"])
    for point in curve["points"]:
        if point["size"]:
            point["value"] = 0.75 - 2 * point["size"] ** -0.5
    curve["verdict"]["law"] |= {
        "answer": "offset",
        "weights": {"flat": 0.00001, "log-linear": 0.09999, "offset": 0.9},
        "limit": estimate(0.75, 0.72, 0.78),
        "exponent": estimate(0.5, 0.42, 0.61),
    }
    gain = curve["verdict"]["marginal_gain"]
    gain["steps"][-1]["per_cost"] = {"gpu_hours": estimate(0.25, 0.125, 0.5)}
    gain["stop"] = {
        **{"unit": "gpu_hours", "worth": 40.0, "size": 1_000.0, "at_end": False},
        **{"distribution": {"1000": 1.0}, "reason": None},
    }
    other = curve_of(board, "model 001")
    other["verdict"] = copy.deepcopy(other["verdict"])
    other["verdict"]["law"]["limit"] = estimate(None, reason=HOSTILE)
    board["elasticities"] = {
        "size": estimate(0.0312, 0.0101, 0.0523),
        "diversity": estimate(None, reason=HOSTILE),
        **{"correlation": 0.1, "n": 1_234, "n_clusters": 7, "n_excluded": 1},
    }
    return opened(board)


def row_of(page, name):
    [row] = [each for each in page.texts("#scaling tbody tr") if each.startswith(f"{name}\t")]
    return row.replace("−", "-").replace("\n", " ")


def test_every_curve_has_a_row_with_what_the_board_says(small):
    """Law, gain per tenfold of the cells, and the largest size as predicted from the smaller ones."""
    page, board = small
    page.open(view="scaling", task=TASK)
    assert len(page.texts("#scaling tbody tr")) == 7
    verdict = curve_of(board, "model 001")["verdict"]
    row = row_of(page, "model 001")
    assert f"{verdict['law']['answer']} " in row
    gain, held_out = verdict["marginal_gain"]["per_decade"], verdict["law"]["held_out"]
    assert f"{gain['value']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]" in row
    assert f"{held_out['predicted']:.3f} observed {held_out['observed']:.3f} at 10 k" in row
    page.open(view="scaling")
    assert len(page.texts("#scaling tbody tr")) == 21


def test_what_is_not_told_has_its_reason_once(small):
    """A number behind "not told" leads to the reason below the table; it never stands as a score."""
    page, _ = small
    page.open(view="scaling", task=TASK)
    reasons = page.texts("main ol li")
    place = reasons.index("the offset law cannot be fitted: it needs 4 sizes, and there are 3") + 1
    assert f"not told{place}" in row_of(page, "model 001")
    assert len(set(reasons)) == len(reasons)


def test_order_filter_and_search_come_back_with_the_link(fitted):
    """The address holds the law that was chosen, the order, and what was searched for."""
    fitted.open(view="scaling", task=TASK, law="offset")
    assert [row.split("\t")[0] for row in fitted.texts("#scaling tbody tr")] == ["model 000"]
    assert fitted.texts(".count") == ["1 of 7 rows match"]
    fitted.open(view="scaling", task=TASK, sort="gain:up", q="model")
    gains = [
        float(row.split("\t")[5].split()[0].replace("−", "-")) for row in fitted.texts("#scaling tbody tr")
    ]
    assert gains == sorted(gains)
    assert fitted.one("#scaling th[aria-sort=ascending]").text.startswith("Gain per tenfold")


def test_elasticities_are_said_in_a_sentence(fitted):
    """Of cells and diversity, with interval or why not, and over how many runs and data sets."""
    fitted.open(view="scaling")
    said = " ".join(fitted.texts("main section p, main section dd"))
    assert "over 1,234 runs of all models and tasks on 7 data sets. 1 run" in said
    assert "+0.031 [+0.010, +0.052]" in said
    assert f"not told: {HOSTILE}" in said


def test_a_board_without_them_says_nothing_of_them(page):
    """No diversity was measured there."""
    page.open(view="scaling")
    assert "diversity" not in " ".join(page.texts("main"))


def test_the_details_tell_the_law_and_what_more_cells_bring(fitted):
    """Weights, limit and exponent with intervals, the held-out size, and a row for every step."""
    fitted.open(view="scaling", task=TASK, open=opens("model 000"))
    said = "\n".join(fitted.texts("dialog section"))
    assert "offset: a finite asymptote, E + A n^-a" in said
    assert "flat < 0.1 %, log-linear 10 %, offset 90 %" in said
    assert "0.750 [0.720, 0.780]" in said
    assert "0.50 [0.42, 0.61]" in said
    assert "largest size (10,000 cells), held out" in said
    assert "per GPU-hour [95 %]" in said
    assert "+0.250 [+0.125, +0.500]" in said
    assert "Who pays 40 GPU-hours for a gain of 1 stops at 1,000 cells." in said
    fitted.open(view="scaling", task=TASK, open=opens("model 000"), metric="log_loss")
    assert "Scaling law" not in fitted.texts("dialog h3")


PURPLE = """
const canvas = document.querySelector('dialog canvas');
const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
let n = 0;
for (let at = 0; at < data.length; at += 4)
  n += Math.abs(data[at] - 160) + Math.abs(data[at + 1] - 82) + Math.abs(data[at + 2] - 138) < 60
    && data[at + 3] > 200;
return n;
"""


def test_a_told_offset_law_is_drawn(fitted):
    """E + A n^-a with the A that follows from the runs; a curve with another law has no such line."""
    fitted.open(view="curves", theme="light", task=TASK, open=opens("model 000"))
    fitted.wait("document.querySelector('dialog canvas') !== null")
    label = fitted.ask("return document.querySelector('dialog .picture').getAttribute('aria-label')")
    assert "Fitted law: 0.750 − 2 n^−0.5." in label
    assert "0.750 − 2 n^−0.5" in " ".join(fitted.texts("dialog .key li"))
    assert fitted.ask(PURPLE) > 50
    fitted.open(view="curves", theme="light", task=TASK, open=opens("model 001"))
    fitted.wait("document.querySelector('dialog canvas') !== null")
    assert fitted.ask(PURPLE) == 0


def test_hostile_reasons_are_text(fitted):
    """What a board gives as a reason is shown as it is and does nothing."""
    fitted.open(view="scaling", task=TASK, open=opens("model 001"))
    assert f"not told: {HOSTILE}" in " ".join(fitted.texts("dialog dd"))
    fitted.open(view="scaling", task=TASK)
    assert HOSTILE in fitted.texts("main ol li")
    assert fitted.ask("return window.hit") is None
    assert (
        fitted.ask("return document.querySelectorAll('main img, main b, dialog img, dialog b').length") == 0
    )
    assert fitted.complaints() == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_barrier_is_found_in_details_with_a_law(fitted, axe, theme):
    """axe-core finds nothing in the list and in the details, with everything in them."""
    for opened in ("", opens("model 000")):
        fitted.open(view="scaling", theme=theme, open=opened)
        fitted.ask(axe)
        found = fitted.browser.execute_async_script(
            "const done = arguments[0]; axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', "
            "'wcag21aa', 'wcag22aa', 'best-practice']}).then(r => done(r.violations.map("
            "v => [v.id, v.help, v.nodes[0].html.slice(0, 200)])))"
        )
        assert found == []


@pytest.mark.parametrize("rule", ["R0", "R4"])
def test_medians_over_all_tasks_stand_below_the_map(small, rule):
    """One row per model and sampler that has one by the rule, and whom it counts."""
    page, board = small
    page.open(view="saturation", rule=rule)
    found = [each for each in board["medians"] if each["rule"] == rule and each["size"]]
    rows = page.texts("main section tbody tr")
    assert len(rows) == len(found) > 0
    assert found[0]["model"] in rows[0]
    (words,) = [each for each in page.texts("main section p") if each.startswith("Median")]
    assert ("whether it learns or not" in words) == (rule == "R0")
