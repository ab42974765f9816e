"""The page of im-serve, in a real browser."""

from __future__ import annotations

import json
import os
import shutil
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")
playwright = pytest.importorskip("playwright.sync_api")

from serving import Serving  # noqa: E402

pytestmark = pytest.mark.slow

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Without a sandbox, which a container does not allow; and without asking for anything elsewhere.
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--mute-audio",
]  # fmt: skip
PATIENCE = 60_000
"""Milliseconds."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    with playwright.sync_playwright() as player:
        if program is None and not os.path.exists(player.chromium.executable_path):
            pytest.skip("no Chromium is installed")
        made = player.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield made
        made.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with Serving(tmp_path_factory.mktemp("page"), "--max-upload", "1M") as serving:
        yield serving


@pytest.fixture
def page(browser: Any, server: Serving) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1000, "height": 800})
    made = context.new_page()
    made.set_default_timeout(PATIENCE)
    faults: list[str] = []
    made.on("pageerror", lambda error: faults.append(str(error)))
    elsewhere: list[str] = []
    made.on(
        "request",
        lambda asked: (
            None if asked.url.startswith((server.url, "blob:", "data:")) else elsewhere.append(asked.url)
        ),
    )
    made.goto(server.url)
    made.locator("#model:not(:empty)").wait_for()
    yield made
    assert faults == []
    assert elsewhere == []
    context.close()


def drop(page: Any, *files: Path) -> None:
    """Let files fall on the page, as a person does."""
    page.evaluate("() => { window.dropped = new DataTransfer(); }")
    for file in files:
        page.evaluate(
            "([name, data]) => window.dropped.items.add("
            "new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], name))",
            [file.name, b64encode(file.read_bytes()).decode()],
        )
    page.evaluate(
        "() => document.dispatchEvent(new DragEvent('drop', "
        "{ dataTransfer: window.dropped, bubbles: true, cancelable: true }))"
    )


def clip(examples_audio: Path, label: str) -> Path:
    return sorted((examples_audio / label).glob("*.flac"))[0]


def test_a_dropped_file_is_heard_played_and_sought(page: Any, examples_audio: Path, tmp_path: Path) -> None:
    file = clip(examples_audio, "cla")
    drop(page, file)
    article = page.locator("article")
    article.locator("tbody tr").first.wait_for()
    first = article.locator("tbody tr").first
    assert first.locator("td").first.inner_text() == "clarinet"
    assert first.locator("td").last.inner_text() == "yes"
    assert article.locator(".names span").first.inner_text() == "clarinet"
    assert "Present: clarinet" in article.locator(".summary").inner_text()
    audio = article.locator("audio")
    seconds = audio.evaluate("one => new Promise((done) => one.duration ? done(one.duration) : "
                             "one.addEventListener('loadedmetadata', () => done(one.duration)))")  # fmt: skip
    assert seconds == pytest.approx(2.97, abs=0.05)
    # The picture: the row of the clarinet is full of colour, the last one is not.
    shades = article.locator(".heat").evaluate(
        "one => [0, one.height - 1].map((_, k) => one.getContext('2d').getImageData("
        "one.width / 2, k ? one.height - 12 : 8, 1, 1).data[3])"
    )
    assert shades[0] > 200 > 60 > shades[1]
    assert article.locator(".axis span:visible").all_inner_texts() == ["0:00", "0:01", "0:02"]
    lanes = article.locator(".lanes")
    box = lanes.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.6, box["y"] + 70)
    assert audio.evaluate("one => one.currentTime") == pytest.approx(0.6 * seconds, abs=0.05)
    head = article.locator(".head").bounding_box()
    assert head["x"] == pytest.approx(box["x"] + box["width"] * 0.6, abs=4)
    # By keyboard alone: to the start, play, stop.
    lanes.focus()
    page.keyboard.press("Home")
    assert lanes.get_attribute("aria-valuenow") == "0.0"
    page.keyboard.press("Space")
    audio.evaluate("one => new Promise((done) => { const look = () => one.currentTime > 0.2 ? done() : "
                   "setTimeout(look, 20); look(); })")  # fmt: skip
    page.keyboard.press("Space")
    assert audio.evaluate("one => one.paused") is True
    page.keyboard.press("End")
    assert float(lanes.get_attribute("aria-valuenow")) == pytest.approx(seconds, abs=0.1)
    for kind in ("JSON", "CSV"):
        with page.expect_download() as download:
            article.get_by_role("button", name=f"Save as {kind}").click()
        assert download.value.suggested_filename == f"{file.name}.{kind.lower()}"
        download.value.save_as(tmp_path / kind)
    assert json.loads((tmp_path / "JSON").read_text())["instruments"][0]["label"] == "cla"
    lines = (tmp_path / "CSV").read_text().splitlines()
    assert lines[0] == "file,label,name,score,threshold,present"
    assert len(lines) == 12
    assert lines[1].startswith(f'"{file.name}",cla,"clarinet",0.9')


def test_several_files_in_turn_and_errors_between_them(
    page: Any, examples_audio: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken, 'odd' <b>name.flac"
    broken.write_bytes(clip(examples_audio, "sax").read_bytes()[:3000])
    large = tmp_path / "large.wav"
    large.write_bytes(bytes(2**20 + 1))
    drop(page, broken, clip(examples_audio, "flu"), large)
    page.locator("article:nth-of-type(3) .error:visible").wait_for()
    page.locator("article:nth-of-type(2) tbody tr").first.wait_for()
    errors = page.locator(".error:visible")
    assert errors.count() == 2
    assert broken.name in errors.nth(0).inner_text()
    assert "larger than 1 MB" in errors.nth(1).inner_text()
    assert page.locator("article b").count() == 0  # names are text
    again = page.locator("article").first.get_by_role("button", name="Try again")
    again.click()
    page.locator("article").first.locator(".error:visible").wait_for()
    names = page.locator("article:nth-of-type(2) tbody td:first-child").all_inner_texts()
    assert names[0] == "flute"


def test_by_keyboard_and_for_readers(page: Any, examples_audio: Path) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.id") == "choose"
    page.set_input_files("#choose", clip(examples_audio, "vio"))
    page.locator("tbody tr").first.wait_for()
    assert page.locator("#status").inner_text().startswith(clip(examples_audio, "vio").name)
    order = []
    for _ in range(12):
        page.keyboard.press("Tab")
        order.append(
            page.evaluate("() => document.activeElement.className || document.activeElement.tagName")
        )
    assert "lanes" in order
    assert order.count("BUTTON") >= 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1000, 360])
def test_it_fits_and_can_be_read(
    width: int, scheme: str, browser: Any, server: Serving, examples_audio: Path
) -> None:
    with browser.new_context(viewport={"width": width, "height": 700}, color_scheme=scheme) as context:
        page = context.new_page()
        page.goto(server.url)
        page.set_input_files("#choose", clip(examples_audio, "gel"))
        page.locator("tbody tr").first.wait_for()
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width
        for selector in ("body", ".quiet", "h1", "td", ".names span", ".save button", "a"):
            ink, paper = page.locator(selector).first.evaluate(
                "one => { let under = one; const clear = (c) => c === 'rgba(0, 0, 0, 0)';"
                "while (under.parentElement && clear(getComputedStyle(under).backgroundColor)) "
                "under = under.parentElement;"
                "return [getComputedStyle(one).color, getComputedStyle(under).backgroundColor]; }"
            )
            assert contrast(ink, paper) >= 4.5, (selector, ink, paper)


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two CSS colours (WCAG 2.1, 1.4.3)."""

    def luminance(text: str) -> float:
        levels = [int(part) / 255 for part in text[text.index("(") + 1 : -1].split(",")[:3]]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in levels]
        return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def test_the_description_for_programs(page: Any, server: Serving) -> None:
    page.goto(f"{server.url}/docs")
    page.get_by_role("heading", name="POST /v1/predict").wait_for()
    assert "timeline" in page.locator("section.route").first.inner_text()


def test_a_token_is_asked_for(browser: Any, examples_audio: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("quite-a-long-secret")
    with (
        Serving(tmp_path, "--token-file", str(tmp_path / "token")) as serving,
        browser.new_context() as context,
    ):
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(serving.url)
        page.locator("#access:visible").wait_for()
        page.set_input_files("#choose", clip(examples_audio, "cla"))
        for token in ("wrong", "quite-a-long-secret"):
            page.fill("#token", token)
            page.get_by_role("button", name="Use it").click()
        page.locator("tbody tr").first.wait_for()
        assert page.locator("#access").is_hidden()
