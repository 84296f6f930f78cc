"""The report as its readers meet it: on a phone, in the dark, by keyboard, on paper."""

import re
from itertools import pairwise

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

WIDTHS = [390, 900, 1400]


def shown(page: Page) -> list[str]:
    """Ids of the claims that are shown, in their order."""
    return [str(line.get_attribute("id")) for line in page.locator("#claims > .claim:visible").all()]


def beyond(page: Page) -> list[str]:
    """What reaches beyond the window and cannot be scrolled to in a box of its own."""
    return page.evaluate(
        """() => [...document.querySelectorAll("body *")]
          .filter((part) => part.getBoundingClientRect().right > innerWidth + 1
            && !part.closest(".scroll, .card, pre, svg, .skip, .u-over, .u-axis"))
          .map((part) => `${part.tagName} ${part.className} ${part.textContent.slice(0, 40)}`)"""
    )


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_reaches_beyond_the_window(read, width: int) -> None:
    page = read(width=width)
    for details in page.locator("details").all():
        details.evaluate("(details) => { details.open = true; }")
    expect(page.locator("#explorer-sweeps")).to_be_visible()
    assert beyond(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1400])
def test_no_rule_of_accessibility_is_broken(read, width: int, scheme: str) -> None:
    page = read(width=width, scheme=scheme)
    for details in page.locator("details").all():
        details.evaluate("(details) => { details.open = true; }")
    expect(page.locator("#explorer-kernels")).to_be_visible()
    found = Axe().run(
        page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    )
    broken = [(rule["id"], [node["html"][:90] for node in rule["nodes"][:3]]) for rule in found.response["violations"]]
    assert broken == []


@pytest.mark.parametrize("width", [390, 1400])
def test_links_to_files_are_large_enough_to_be_hit(read, width: int) -> None:
    boxes = [link.bounding_box() for link in read(width=width).locator(".links a:visible").all()]
    assert boxes
    assert all(box and min(box["width"], box["height"]) >= 24 for box in boxes)


# ---- figures


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figures_have_the_colours_of_the_page(read, scheme: str) -> None:
    page = read(scheme=scheme)
    ink, paper, line = page.evaluate(
        """() => {
          const figure = document.querySelector("#one-curve svg.drawing");
          const dark = [...figure.querySelectorAll("path")].map((path) => getComputedStyle(path).stroke);
          return [getComputedStyle(figure).color, getComputedStyle(document.body).backgroundColor, dark.join(" ")];
        }"""
    )
    light = [sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in (ink, paper)]
    assert (light[0] > light[1]) is (scheme == "dark")
    assert ("rgb(68, 1, 84)" in line) is (scheme == "light")  # the darkest line has a lighter twin
    assert "rgb(0, 114, 178)" in line


def test_a_figure_shows_again_at_the_top_and_on_its_card(read) -> None:
    page = read()
    for where in (".poster svg", ".study-card >> nth=0 >> svg"):
        box = page.locator(where).locator("use").bounding_box()
        assert box
        assert box["width"] > 100
        assert box["height"] > 50


# ---- the ledger


def test_claims_are_filtered_searched_and_counted_and_the_address_says_how(read) -> None:
    page = read()
    assert len(shown(page)) == 10
    page.locator("#filter").get_by_label("Verdict").select_option("fails")
    assert shown(page) == ["claim-one-one-fails", "claim-two-two-fails"]
    page.get_by_label("Find").fill("second two")
    assert shown(page) == []
    expect(page.locator("#none-shown")).to_be_visible()
    page.get_by_label("Find").fill("STUDY two fails")
    assert shown(page) == ["claim-two-two-fails"]
    expect(page.locator("#shown")).to_have_text("1 of 10 claims")
    assert page.url.endswith("#ledger?find=STUDY+two+fails&verdict=fails")
    page.reload()
    assert shown(page) == ["claim-two-two-fails"]
    expect(page.locator("#filter").get_by_label("Verdict")).to_have_value("fails")
    page.get_by_label("Find").fill("nowhere")
    page.get_by_role("button", name="Show all").click()
    assert len(shown(page)) == 10


def test_claims_are_ordered(read) -> None:
    page = read()
    by_study = shown(page)
    page.get_by_label("Order").select_option("verdict")
    assert [name.partition("-")[2].split("-", 2)[2] for name in shown(page)] == [
        verdict for verdict in ("fails", "differs", "undecided", "not-measured", "holds") for _ in range(2)
    ]
    expect(page.locator("#claims > .group:visible")).to_have_count(0)
    page.get_by_label("Order").select_option("cost")
    assert shown(page)[:2] == ["claim-one-one-not-measured", "claim-two-two-not-measured"]
    page.get_by_label("Order").select_option("")
    assert shown(page) == by_study
    expect(page.locator("#claims > .group:visible")).to_have_count(2)


def test_the_address_of_a_view_is_enough(read) -> None:
    page = read("#ledger?study=two&order=verdict")
    assert shown(page)[0] == "claim-two-two-fails"
    assert len(shown(page)) == 5
    assert page.locator("#ledger-title").evaluate("(title) => title.getBoundingClientRect().top") < 200


def test_the_address_of_a_claim_opens_it_and_undoes_a_filter(read) -> None:
    page = read("#claim-two-two-undecided")
    line = page.locator("#claim-two-two-undecided")
    expect(line.get_by_text("It came out as the undecided case.")).to_be_in_viewport()
    expect(line.get_by_text("initatlas reproduce --scale smoke two/two_undecided")).to_be_visible()
    page.locator("#filter").get_by_label("Verdict").select_option("fails")
    expect(line).to_be_hidden()
    page.locator("#two-curve .about a").first.click()
    expect(page.locator("#claim-two-two-holds")).to_be_in_viewport()
    assert len(shown(page)) == 10
    assert page.url.endswith("#claim-two-two-holds")


@pytest.mark.parametrize(("width", "lines"), [(1400, 1), (900, 2), (390, 4)])
def test_a_claim_takes_few_lines(read, width: int, lines: int) -> None:
    page = read(width=width)
    parts = [
        page.locator(f".claim.holds .{part} >> nth=0").bounding_box()
        for part in ("statement", "published", "measured", "verdict")
    ]
    tops = sorted(part["y"] + part["height"] / 2 for part in parts if part)
    assert len(tops) == 4
    assert 1 + sum(below - above > 12 for above, below in pairwise(tops)) == lines


def test_every_claim_has_a_link_of_its_own(read) -> None:
    page = read()
    for line in page.locator("#claims > .claim").all():
        link = line.locator("a.here")
        expect(link).to_be_visible()
        assert link.get_attribute("href") == f"#{line.get_attribute('id')}"


def test_a_claim_opens_by_keyboard(read) -> None:
    page = read()
    line = page.locator("#claim-one-one-holds")
    line.locator("summary").focus()
    expect(line.get_by_text("Because it matters.")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(line.get_by_text("Because it matters.")).to_be_visible()
    page.keyboard.press("Tab")
    assert (
        page.evaluate("document.activeElement.className") == "here"
        or page.evaluate("document.activeElement.closest('.claim').id") == "claim-one-one-holds"
    )


def test_the_first_stop_of_the_keyboard_skips_to_the_ledger(read) -> None:
    page = read()
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#ledger-title")).to_be_in_viewport()


# ---- sources


def test_a_command_is_copied(read) -> None:
    page = read()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    source = page.locator("#one-curve .source")
    source.get_by_text("Make it, read it").click()
    source.get_by_role("button", name="Copy").first.click()
    expect(source.get_by_role("button", name="Copied")).to_be_visible()
    assert (
        page.evaluate("navigator.clipboard.readText()")
        == "initatlas run --scale smoke reports/smoke/one/figures/curve.svg"
    )


def test_the_contents_name_every_product(read) -> None:
    page = read()
    links = page.locator(".contents a").evaluate_all("(links) => links.map((link) => link.getAttribute('href'))")
    assert {"#overview", "#one-curve", "#one-numbers", "#two-curve", "#two-numbers", "#ledger", "#explorer"} <= set(
        links
    )
    page.locator(".contents").get_by_text("2 figures and tables").first.click()
    page.locator(".contents").get_by_role("link", name="Numbers of one").click()
    expect(page.locator("#one-numbers h3")).to_be_in_viewport()


def test_a_phone_has_a_way_back_to_the_top(read) -> None:
    page = read("#ledger", width=390)
    page.get_by_role("link", name="Back to top").click()
    expect(page.locator("h1")).to_be_in_viewport()
    expect(read().get_by_role("link", name="Back to top")).to_be_hidden()


# ---- the explorer


def picture(page: Page, part: str, number: int = 0) -> str:
    """What a plot of the explorer shows, as its pixels."""
    return page.locator(f"#{part} .plot canvas").nth(number).evaluate("(canvas) => canvas.toDataURL()")


def test_a_slider_changes_the_picture_and_the_address_keeps_it(read) -> None:
    page = read("#explorer")
    expect(page.locator("#explorer-kernels canvas").first).to_be_visible()
    before = picture(page, "explorer-kernels", 1)
    depth = page.locator("#explorer-kernels input[name=depth]")
    depth.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#explorer-kernels input[name=depth]")).to_have_value("8")
    expect(page).to_have_url(re.compile(r"#explorer-kernels\?.*depth=8"))
    after = picture(page, "explorer-kernels", 1)
    assert after != before
    page.reload()
    expect(page.locator("#explorer-kernels input[name=depth]")).to_have_value("8")
    page.wait_for_function(
        "(after) => document.querySelectorAll('#explorer-kernels .plot canvas')[1]?.toDataURL() === after", arg=after
    )


def test_another_slice_of_a_sweep_is_another_picture(read) -> None:
    page = read("#explorer")
    expect(page.locator("#explorer-sweeps canvas").first).to_be_visible()
    before = picture(page, "explorer-sweeps")
    page.locator("#explorer-sweeps select[name=x]").select_option("depth")
    expect(page).to_have_url(re.compile(r"#explorer-sweeps\?.*x=depth"))
    assert picture(page, "explorer-sweeps") != before
    link = page.locator("#explorer-sweeps .link a").get_attribute("href")
    again = read(str(link))
    expect(again.locator("#explorer-sweeps select[name=x]")).to_have_value("depth")


FILM = "#explorer-sweeps?output=error&view=lines&x=width&y=depth&at.epoch=0"
EPOCH, PLAY = "#explorer-sweeps input[name='at.epoch']", "#explorer-sweeps button[name='play.epoch']"


def test_an_axis_of_numbers_is_played_with_the_keyboard(read) -> None:
    page = read(FILM)
    first = picture(page, "explorer-sweeps")
    play = page.get_by_role("button", name="Play")
    play.focus()
    page.keyboard.press("Enter")
    expect(page.locator(PLAY)).to_have_text("Pause")
    expect(page.locator(PLAY)).to_be_focused()
    expect(page.locator(EPOCH)).to_have_value("1")
    page.keyboard.press("Space")
    expect(page.locator(PLAY)).to_have_text("Play")
    expect(page).to_have_url(re.compile(r"frames=epoch&at.epoch=1$"))
    paused = picture(page, "explorer-sweeps")
    page.wait_for_timeout(1200)  # twice as long as a frame
    assert picture(page, "explorer-sweeps") == paused != first
    page.keyboard.press("Space")
    expect(page.locator(EPOCH)).to_have_value("3")
    expect(page.locator(EPOCH)).to_have_attribute("aria-valuetext", "30")
    expect(page.locator(PLAY)).to_have_text("Play")  # the last frame ends it
    page.keyboard.press("Space")
    expect(page.locator(EPOCH)).to_have_value("0")  # and from there it begins anew


def test_all_frames_have_one_scale(read) -> None:
    page = read(FILM)
    alone = picture(page, "explorer-sweeps")
    page.goto(page.url.replace("&at.epoch", "&frames=epoch&at.epoch"))
    expect(page.locator("#explorer-sweeps .about")).to_contain_text("The scale is that of all frames along epoch")
    assert picture(page, "explorer-sweeps") != alone


def test_another_choice_ends_the_film(read) -> None:
    page = read(FILM)
    page.locator(PLAY).click()
    page.locator("#explorer-sweeps select[name=x]").select_option("epoch")
    expect(page.locator(EPOCH)).to_have_count(0)
    expect(page).to_have_url(re.compile(r"x=epoch"))
    assert "frames" not in page.url


def test_less_motion_is_one_frame_a_press(read) -> None:
    page = read(FILM, motion="reduce")
    page.get_by_role("button", name="Next").click()
    expect(page.locator(EPOCH)).to_have_value("1")
    page.wait_for_timeout(1200)
    expect(page.locator(EPOCH)).to_have_value("1")
    page.get_by_role("button", name="Next").click()
    expect(page.locator(EPOCH)).to_have_value("2")


def test_a_slider_of_a_sweep_is_dragged_all_the_way(read) -> None:
    page = read(FILM)
    page.locator(EPOCH).scroll_into_view_if_needed()
    box = page.locator(EPOCH).bounding_box()
    page.mouse.move(box["x"] + 8, box["y"] + box["height"] / 2)
    page.mouse.down()
    for share in (0.3, 0.6, 1.0):
        page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
        page.wait_for_timeout(60)
    page.mouse.up()
    expect(page.locator(EPOCH)).to_have_value("3")


# ---- paper


def test_paper_has_the_ledger_as_lines_and_no_provenance(read) -> None:
    page = read()
    page.emulate_media(media="print")
    expect(page.locator("#claims .claim summary").first).to_be_visible()
    for hidden in (
        "#claims .claim dl",
        ".provenance",
        ".source",
        "#filter",
        ".contents",
        "#explorer",
        ".here",
        ".to-top",
    ):
        expect(page.locator(hidden).first).to_be_hidden()
    heights = page.locator("#claims .claim").evaluate_all("(lines) => lines.map((line) => line.offsetHeight)")
    assert max(heights) < 60
