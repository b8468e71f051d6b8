"""The gallery's page in a headless Chromium: it plays in step with the sound, sorts, filters, and takes no text for markup."""

import time

import pytest

from tests.factories.browser import browser_page
from tests.factories.gallery import Clip, make_gallery

FRAME = 1 / 25
HOSTILE = "<img src=x onerror=window.HACKED=1>"
SIZES = [(1280, 800, False), (390, 844, True)]
DISTANCES = """(() => {
  const now = document.getElementById("sound").currentTime;
  return [...document.querySelectorAll("video")].map((video) => Math.abs(video.currentTime - now));
})()"""


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    clips = [
        Clip("plain", "s1", "good morning", offset=1),
        Clip("worst", "s2", "good night", offset=9),
        Clip("other #1 100%?", "s3", "another corpus", dataset="folder", offset=5),
        Clip(HOSTILE, f"s{HOSTILE}", f"</script><script>window.HACKED=1</script>{HOSTILE}", dataset="folder", offset=3),
    ]
    return make_gallery(tmp_path_factory.mktemp("gallery"), clips, absent="plain")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with browser_page(tmp_path_factory.mktemp("browser") / "profile") as found:
        yield found


@pytest.fixture(params=SIZES, ids=["desktop", "phone"])
def opened(page, gallery, request):
    page.open(gallery / "index.html", *request.param)
    yield page
    assert page.complaints == []
    assert all(address.startswith(("file:", "data:")) for address in page.requested), page.requested


def choose(page, field, value):
    page.value(f"""(() => {{ const field = document.getElementById("{field}"); field.value = {value!r};
      field.dispatchEvent(new Event(field.type === "search" ? "input" : "change")); }})()""")


def listed(page):
    return page.value('[...document.querySelectorAll("#list button")].map((row) => JSON.parse(row.dataset.key)[1])')


def text(page, field):
    return page.value(f'document.getElementById("{field}").textContent')


def test_space_plays_all_videos_in_step_with_the_sound(opened):
    opened.press(" ")
    opened.wait_for('document.getElementById("sound").currentTime > 0.4')
    found = []
    for _ in range(15):
        time.sleep(0.05)
        found.append(max(opened.value(DISTANCES)))
    assert sorted(found)[len(found) // 2] < FRAME, found
    muted = opened.value('[...document.querySelectorAll("video")].map((video) => video.muted)')
    assert muted and all(muted), "one sound, not one a video"
    opened.press(" ")
    before = opened.value('document.getElementById("sound").currentTime')
    time.sleep(0.2)
    assert opened.value('document.getElementById("sound").currentTime') == before
    assert max(opened.value(DISTANCES)) < 0.001, "paused, all show the same frame"


def test_a_video_that_falls_out_of_step_is_brought_back(opened):
    opened.press(" ")
    opened.wait_for('document.getElementById("sound").currentTime > 0.2')
    opened.value('document.querySelector("video").currentTime += 0.12')
    opened.wait_for('!document.querySelector("video").seeking', 5)
    opened.wait_for(f"{DISTANCES}[0] < {FRAME}")


def test_arrows_step_frames_and_change_the_clip(opened):
    first = text(opened, "clip")
    opened.press("ArrowRight")
    opened.press("ArrowRight")
    assert opened.value('document.getElementById("sound").currentTime') == pytest.approx(2.5 * FRAME, abs=0.001)
    opened.press("ArrowLeft")
    assert opened.value('document.getElementById("time").value') == "0.04"
    opened.press("ArrowDown")
    assert text(opened, "clip") != first
    opened.press("ArrowUp")
    assert text(opened, "clip") == first


def test_it_sorts_by_every_metric_and_puts_missing_values_last(opened):
    choose(opened, "metric", "psnr")
    choose(opened, "method", "wav2lip")
    assert listed(opened) == ["worst", "other #1 100%?", HOSTILE, "plain"], "plain has no video of wav2lip"
    choose(opened, "order", "best")
    assert listed(opened) == [HOSTILE, "other #1 100%?", "worst", "plain"]
    choose(opened, "method", "ours")
    assert listed(opened)[0] == "plain"
    metrics = opened.value('[...document.getElementById("metric").options].map((option) => option.value)')
    assert metrics == ["blinks_per_second", "psnr"], "in the order of table 1"


def test_it_filters_by_dataset_speaker_and_words(opened):
    assert len(listed(opened)) == 4
    choose(opened, "dataset", "embedded")
    assert set(listed(opened)) == {"plain", "worst"}
    choose(opened, "speaker", "s2")
    assert listed(opened) == ["worst"]
    choose(opened, "dataset", "")
    choose(opened, "search", "ANOTHER")
    assert listed(opened) == ["other #1 100%?"]
    assert text(opened, "count") == "1 of 4 clips"


def test_texts_of_files_are_texts_and_their_videos_play(opened):
    for name in (HOSTILE, "other #1 100%?"):
        opened.value(f"""[...document.querySelectorAll("#list button")]
          .find((row) => JSON.parse(row.dataset.key)[1] === {name!r}).click()""")
        opened.wait_for('document.getElementById("sound").currentTime > 0.1')
    assert opened.value("window.HACKED") is None
    assert opened.value('document.querySelectorAll("script").length') == 2
    assert opened.value('document.querySelectorAll("[src=x]").length') == 0
    assert text(opened, "transcript") == "another corpus"


def test_a_clip_without_a_video_of_a_method_says_why_and_nothing_overflows(opened):
    choose(opened, "search", "morning")
    opened.value('document.querySelector("#list button").click()')
    assert "no video: FOLDER lacks it" in text(opened, "tiles")
    assert opened.value("document.documentElement.scrollWidth <= innerWidth")
    opened.value('document.getElementById("show-table").click()')
    assert opened.value('document.querySelector("iframe").getBoundingClientRect().height') > 100
    assert opened.value('document.getElementById("sound").paused')
