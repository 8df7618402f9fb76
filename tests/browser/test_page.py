"""The page of a board as a reader meets it, in a real browser."""

import pytest

VIEWS = (
    "ranking", "saturation", "curves", "scaling", "cost", "compare", "missing", "provenance", "help",
)  # fmt: skip
TASK = "typing 00 on lung"
CURVE = f"{TASK} :: model 000 / random / atlas / 300 steps"
HOSTILE = [
    "<script>window.hit = 1</script>",
    "</script><script>window.hit = 1</script>",
    '"><img src=x onerror="window.hit = 1">',
    "javascript:window.hit=1",
    "__proto__",
    "{{data}} ${window.hit = 1} & <b>bold</b>",
    "constructor",
]


def test_it_loads_from_a_file_and_asks_for_nothing(page):
    """No word in the console, and not one request but for the file itself, in any view."""
    for view in VIEWS:
        page.open(view=view, a="model 000", b="model 001", open=CURVE if view == "curves" else "")
        assert page.texts("main h2, main .cards h3, main p")
        assert page.complaints() == []
        assert set(page.requests()) == {page.path.as_uri()}


def column(page, title, table="#ranking"):
    titles = [each.split(" ▲")[0].split(" ▼")[0] for each in page.texts(f"{table} thead th")]
    place = titles.index(title) + 1
    return page.texts(f"{table} tbody tr > :nth-child({place})")


def click_head(page, title):
    page.ask(
        "[...document.querySelectorAll('#ranking thead button')]"
        ".find(b => b.innerText.trim() === arguments[0]).click()",
        title,
    )


def test_the_table_shows_what_the_board_says(small):
    """Means, coverage and gains of the page are those of the board."""
    page, board = small
    page.open(task=TASK)
    [curve] = [
        curve
        for curve in board["tables"][0]["curves"]
        if curve["label"] == "model 001" and curve["metric"] == "micro_f1"
    ]
    best = next(at for at in curve["sizes"] if at["size"] == curve["best_size"])
    gain = next(each["gain"] for each in curve["no_change"] if each["size"] == curve["best_size"])
    row = column(page, "Model").index("model 001")
    assert column(page, "Best mean")[row].startswith(f"{best['mean']:.3f} ± {best['sd']:.3f}")
    shown = column(page, "Gain over doing nothing")[row].replace("−", "-")
    assert f"{gain['estimate']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]" in shown
    page.open()
    assert column(page, "Coverage") == ["3 of 3"] * len(column(page, "Model"))


def test_a_click_on_a_heading_sorts_and_another_turns_round(page):
    """The rows stand in the order of the numbers, those without one last."""
    page.open(task=TASK)
    values = [float(each.split()[0]) for each in column(page, "Best mean")]
    assert values[:-1] == sorted(values[:-1], reverse=True)
    assert "oracle" in column(page, "Model")[-1]
    click_head(page, "Best mean")
    turned = [float(each.split()[0]) for each in column(page, "Best mean")]
    assert turned[:-1] == values[-2::-1]
    assert "oracle" in column(page, "Model")[-1]
    assert page.one("#ranking th[aria-sort=ascending]").text.startswith("Best mean")


def test_search_and_filter_leave_the_rows_that_match(page):
    """By name, by the mark against doing nothing, and both."""
    page.open()
    page.one("#q").send_keys("MODEL 00")
    assert len(column(page, "Model")) == 7
    page.one("#q").send_keys("3")
    assert column(page, "Model") == ["model 003"]
    assert page.texts(".count") == ["1 of 8 rows match"]
    page.open(task=TASK, show="beats")
    assert {each.split()[0] for each in column(page, "Gain over doing nothing")} == {"▲"}
    page.open(task=TASK, show="beats", q="nobody")
    assert page.texts("#ranking tbody tr") == []


def test_a_curve_opens_with_its_picture_its_verdict_and_the_jobs_behind_it(small):
    """The picture has ink on it; every address is the beginning of one of the board's."""
    page, board = small
    page.open(task=TASK)
    page.ask(
        "[...document.querySelectorAll('#ranking tbody a')].find(a => a.innerText === 'model 000').click()"
    )
    page.wait("document.querySelector('dialog[open] canvas') !== null")
    inked = (
        "const c = document.querySelector('dialog canvas');"
        "const pixels = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        "return new Set(new Uint32Array(pixels.buffer)).size"
    )
    assert page.ask(inked) > 10
    label = page.ask("return document.querySelector('dialog .picture').getAttribute('aria-label')")
    assert "Learning curve of model 000" in label
    assert "10,000 cells 0.705" in label
    assert "beats the baseline · saturates" in " ".join(page.texts("dialog section p"))
    known = {score["addresses"]["score"] for score in board["scores"]}
    shown = page.texts("dialog details code")
    assert len(shown) == 12
    assert all(sum(address.startswith(each) for address in known) == 1 for each in shown)
    from selenium.webdriver.common.keys import Keys

    page.press(Keys.ESCAPE)
    page.wait("!document.querySelector('dialog').open")
    assert "open=" not in page.browser.current_url


def test_a_link_brings_back_what_was_looked_at(page):
    """The address of the page holds the view, the order, the search and the open curve."""
    page.open(task=TASK)
    click_head(page, "Cost")
    page.one("#q").send_keys("model")
    before = column(page, "Model")
    link = page.browser.current_url
    page.browser.get("about:blank")
    page.browser.get(link)
    page.wait("document.documentElement.hasAttribute('data-ready')")
    assert column(page, "Model") == before
    assert page.one("#ranking th[aria-sort=ascending]").text.startswith("Cost")
    assert page.one("#q").get_attribute("value") == "model"
    page.open(view="curves", task=TASK, open=CURVE)
    assert page.texts("dialog h2") == ["model 000 / random / atlas / 300 steps"]
    page.browser.get(f"{page.path.as_uri()}#view=nonsense&rule=R9&task=nothing&open=nobody&sort=up:up:up")
    assert page.complaints() == []
    assert page.texts("#views [aria-current]") == ["Ranking"]


def test_going_back_leads_to_what_was_there_before(page):
    page.open()
    page.one("#view-saturation").click()
    page.wait("document.querySelector('#heat')")
    page.browser.back()
    page.wait("document.querySelector('#ranking')")


def test_the_saturation_map_has_points_bounds_and_warnings(small):
    """What a curve saturates at, ≤ and ≥ where it is a bound, hatching where it says nothing."""
    page, board = small
    page.open(view="saturation", unit="cells")
    curves = {c["label"]: c for c in board["tables"][0]["curves"] if c["metric"] == "micro_f1"}
    rows = dict(zip(page.texts("#heat tbody th"), page.texts("#heat tbody tr > :nth-child(2)"), strict=True))
    signs = {"left": "≤ ", "right": "≥ ", "beyond": "> "}
    for name in ("model 000", "model 001"):
        point = curves[name]["verdict"]["saturation"]["R4"]
        assert rows[name] == f"{signs.get(point['censored'], '')}{point['size'] // 1000} k"
    hatched = page.ask(
        "return [...document.querySelectorAll('#heat td.hatched')].map(c => c.parentNode.cells[0].innerText)"
    )
    vacuous = {name for name, c in curves.items() if c["verdict"]["trend"] in ("flat", "inverse")}
    assert vacuous
    assert vacuous <= set(hatched)
    assert "model 000" not in hatched


def test_what_is_missing_is_said_with_its_reason(page):
    """Failed and missing jobs stand in the table with why, and never as a number."""
    page.open(view="missing")
    rows = page.texts("#absent tbody tr")
    assert any("failed" in row and "oom in fit: no memory left" in row for row in rows)
    assert any("missing" in row for row in rows)
    assert "the data set x lacks labels" in " ".join(page.texts("main td"))


def test_weights_move_the_mean_place_and_nothing_else(page):
    """A task of weight 0 is left out; the board's own ranks stay."""
    page.open(sort="model:up")
    ranks, places = column(page, "Rank"), column(page, "Mean place")
    page.open(sort="model:up", w="1,0,0")
    assert column(page, "Rank") == ranks
    assert len(places) == len(column(page, "Mean place"))
    assert all(each.endswith(".0") for each in column(page, "Mean place"))


def test_two_models_side_by_side(page):
    """Both scores, the difference of the two, and both curves in one picture."""
    page.open(view="compare", a="model 000", b="model 001")
    [first, *_] = page.texts("main tbody tr")
    numbers = [
        float(each)
        for each in first.replace("▸ ", "").replace("−", "-").split()
        if each[0] in "+-0" and each[-1].isdigit()
    ]
    assert numbers[-1] == pytest.approx(0.705 - 0.663, abs=0.004)
    page.wait("document.querySelectorAll('main canvas').length > 0")


def test_score_and_cost_have_a_front(small):
    """What is on the front is not beaten by anything cheaper."""
    page, _ = small
    page.open(view="cost", task=TASK, sort="cost:up")
    scores = [float(each.split()[0]) for each in column(page, "micro_f1", "#costs")]
    front = column(page, "On the front", "#costs")
    assert front == [
        "yes" if score > max([-1.0, *scores[:place]]) else "–" for place, score in enumerate(scores)
    ]


def test_the_keyboard_suffices(page):
    """A slash leads to the search, digits to the views, arrows over the map, Enter into a curve."""
    from selenium.webdriver.common.keys import Keys

    page.open()
    page.press("/")
    assert page.ask("return document.activeElement.id") == "q"
    page.open()
    page.press("2")
    page.wait("document.querySelector('#heat')")
    page.ask("document.querySelector('#heat tbody button[tabindex=\"0\"]').focus()")
    start = page.ask("return document.activeElement.getAttribute('aria-label')")
    page.press(Keys.ARROW_DOWN, Keys.ARROW_RIGHT)
    there = page.ask("return document.activeElement.getAttribute('aria-label')")
    assert "model 000, typing 00" in start
    assert "model 001, typing 01" in there
    page.press(Keys.ENTER)
    page.wait("document.querySelector('dialog').open")


@pytest.fixture(scope="module")
def hostile(made):
    return made(len(HOSTILE), 1, HOSTILE)[0]


@pytest.mark.parametrize("view", VIEWS)
def test_hostile_names_are_text(hostile, view):
    """A model's name is shown as it is and does nothing, wherever it stands."""
    opened = f"{TASK} :: {HOSTILE[0]} / random / atlas / 300 steps" if view == "curves" else ""
    hostile.open(view=view, a=HOSTILE[0], b=HOSTILE[2], open=opened)
    hostile.ask("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert hostile.ask("return window.hit") is None
    assert (
        hostile.ask("return document.querySelectorAll('main img, main script, main b, dialog script').length")
        == 0
    )
    assert hostile.complaints() == []
    if view in ("ranking", "saturation", "curves", "scaling"):
        shown = " ".join(hostile.texts("main th, main h3"))
        assert all(name in shown for name in HOSTILE)


def test_every_view_has_its_digit(page):
    """The digits go along the views, as the help says."""
    for digit, view in enumerate(VIEWS, 1):
        page.open()
        page.press(str(digit))
        page.wait(f"document.querySelector('#view-{view}').getAttribute('aria-current') === 'page'")
    page.open(view="help")
    assert "1 to 9" in page.texts("main kbd")


def test_no_other_program_runs_even_if_it_got_in(page):
    """The policy names the one program of the page: what is written into it runs nothing."""
    page.open()
    page.ask(
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.hit = 1\">');"
        "const s = document.createElement('script'); s.textContent = 'window.hit = 2';"
        "document.body.append(s);"
    )
    page.wait("document.images[0].complete")
    assert page.ask("return window.hit") is None


@pytest.mark.parametrize("view", VIEWS)
def test_a_phone_scrolls_down_only(page, view):
    """Nothing is wider than a phone but tables, which scroll by themselves."""
    page.open(width=390, height=844, view=view, a="model 000", b="model 001", task=TASK)
    assert page.ask("return document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_no_barrier_is_found(page, axe, view, theme):
    """axe-core finds nothing on any view, in either colour scheme."""
    page.open(view=view, theme=theme, a="model 000", b="model 001", open=CURVE if view == "curves" else "")
    page.ask(axe)
    found = page.browser.execute_async_script(
        "const done = arguments[0]; axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', "
        "'wcag22aa', 'best-practice']}).then(r => done(r.violations.map("
        "v => [v.id, v.help, v.nodes[0].html.slice(0, 200)])))"
    )
    assert found == []


def test_a_large_board_stays_quick(made, record_property):
    """200 models on 40 tasks: sorting takes less than a fifth of a second, as measured in the page."""
    page, _ = made(200, 40)
    page.open()
    record_property("bytes", page.path.stat().st_size)
    record_property("first_render_ms", page.ask("return performance.getEntriesByName('shown')[0].startTime"))
    for title in ("Model", "Mean place", "Coverage", "Cost") * 2:
        click_head(page, title)
    durations = page.ask("return performance.getEntriesByName('sort').map(e => e.duration)")
    record_property("sort_ms", min(durations))
    assert len(durations) == 8
    assert min(durations) < 200
    assert len(column(page, "Model")) == 50
    page.one(".table + .more").click()
    assert len(column(page, "Model")) == 201
