// The gallery's page. Its data is in data.js, since a page from a file cannot fetch one.
// Texts of files and transcripts reach the page as textContent and as encoded paths only, never as markup.
"use strict";

(() => {
  const FRAMES_PER_SECOND = 25;
  // Videos that are further from the sound than this are moved; closer ones run faster or slower until they agree.
  const FURTHEST = 0.15, CLOSE_ENOUGH = 0.008, CORRECTION = 4;
  const data = window.GALLERY;
  const find = (id) => document.getElementById(id);
  const sound = find("sound");
  const columns = new Map(data.columns.map((column) => [column.metric, column]));
  let shown = [];      // clips of the list, in its order
  let current = null;  // the clip on the stage
  let videos = [];     // its elements
  let playing = false;
  let chosenAt = 0;    // counts choices, so that a slow one does not start after a later one

  function make(tag, text, className) {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (className) element.className = className;
    return element;
  }

  const address = (path) => path.split("/").map(encodeURIComponent).join("/");
  const key = (clip) => JSON.stringify([clip.dataset, clip.clip]);
  const written = (name) => name.replaceAll("_", " ");

  function valueText(clip, method, metric) {
    const found = (clip.values[method] || {})[metric];
    if (!found) return "-";
    return found.value === undefined ? "-" : found.value.toFixed(columns.get(metric).digits);
  }

  // --- the stage: every method's video, in step with one sound

  function choose(clip, start) {
    const mine = ++chosenAt;
    stop();
    current = clip;
    find("clip").textContent = `${clip.clip} (${clip.dataset}, speaker ${clip.speaker})`;
    find("transcript").textContent = clip.transcript;
    find("status").textContent = "";
    for (const video of videos) { video.removeAttribute("src"); video.load(); }
    videos = [];
    const tiles = data.methods.map((method) => {
      const figure = make("figure");
      const path = clip.videos[method.name];
      if (path) {
        const video = make("video");
        video.muted = true;
        video.playsInline = true;
        video.preload = "auto";
        video.dataset.method = method.name;
        video.src = address(path);
        video.addEventListener("click", toggle);
        video.addEventListener("error", () => {
          if (videos.includes(video)) find("status").textContent = `The video of ${method.name} cannot be played here.`;
        });
        videos.push(video);
        figure.append(video);
      } else {
        figure.append(make("div", `no video: ${clip.absent[method.name] || "not made"}`, "absent"));
      }
      const caption = make("figcaption");
      caption.append(make("b", written(method.name)));
      caption.append(make("span", "", "score"));
      figure.append(caption);
      return figure;
    });
    find("tiles").replaceChildren(...tiles);
    sound.src = address(Object.values(clip.videos)[0] || "");
    find("time").max = (clip.frames - 1) / FRAMES_PER_SECOND;
    showScores();
    showMetrics();
    for (const button of find("list").querySelectorAll("button")) {
      button.setAttribute("aria-current", String(button.dataset.key === key(clip)));
    }
    seek(0);
    if (start) play(mine);
  }

  const loaded = (media) => new Promise((done) => {
    if (media.readyState >= 3 || media.error) return done();
    for (const event of ["canplay", "error"]) media.addEventListener(event, done, { once: true });
  });

  async function play(mine = chosenAt) {
    if (playing || !current || !videos.length) return;
    playing = true;
    find("play").textContent = "Pause";
    if (sound.currentTime >= lengthOf(current) - 0.5 / FRAMES_PER_SECOND) seek(0);
    await Promise.all([sound, ...videos].map(loaded));
    if (mine !== chosenAt || !playing) return;
    try {
      const rate = Number(find("speed").value);
      for (const media of [sound, ...videos]) media.playbackRate = rate;
      await Promise.all([sound, ...videos.filter((video) => !video.error)].map((media) => media.play()));
    } catch (problem) {
      if (mine !== chosenAt || !playing) return;
      stop();
      find("status").textContent = `The browser did not start the videos: ${problem.message}`;
      return;
    }
    requestAnimationFrame(() => follow(mine));
  }

  function stop() {
    playing = false;
    find("play").textContent = "Play";
    for (const media of [sound, ...videos]) media.pause();
  }

  function toggle() {
    if (playing) { stop(); seek(sound.currentTime); } else play();
  }

  const lengthOf = (clip) => clip.frames / FRAMES_PER_SECOND;

  // All elements at the middle of one frame.
  function seek(time) {
    const frame = Math.min(Math.max(Math.floor(time * FRAMES_PER_SECOND + 1e-6), 0), current.frames - 1);
    const middle = (frame + 0.5) / FRAMES_PER_SECOND;
    for (const media of [sound, ...videos]) media.currentTime = frame ? middle : 0;
    showTime(frame / FRAMES_PER_SECOND);
  }

  function step(frames) {
    if (!current) return;
    stop();
    seek((Math.floor(sound.currentTime * FRAMES_PER_SECOND + 1e-6) + frames) / FRAMES_PER_SECOND);
  }

  function follow(mine) {
    if (!playing || mine !== chosenAt) return;
    const now = sound.currentTime;
    if (sound.ended || now >= lengthOf(current)) {
      seek(0);
      if (!find("loop").checked) { stop(); return; }
      for (const media of [sound, ...videos]) media.play().catch(() => stop());
    } else {
      const rate = Number(find("speed").value);
      for (const video of videos) {
        const ahead = video.currentTime - now;
        if (video.error || video.seeking || video.ended) continue;
        if (Math.abs(ahead) > FURTHEST) video.currentTime = now;
        const change = Math.abs(ahead) < CLOSE_ENOUGH ? 0 : Math.min(Math.max(CORRECTION * ahead, -0.5), 0.5);
        video.playbackRate = rate * (1 - change);
      }
      showTime(now);
    }
    requestAnimationFrame(() => follow(mine));
  }

  function showTime(time) {
    find("time").value = time;
    find("clock").textContent = `${time.toFixed(2)} / ${lengthOf(current).toFixed(2)} s`;
  }

  function showScores() {
    const metric = find("metric").value;
    const scores = find("tiles").querySelectorAll(".score");
    data.methods.forEach((method, place) => {
      scores[place].textContent = `${columns.get(metric).title} ${valueText(current, method.name, metric)}`;
    });
  }

  function showMetrics() {
    const head = make("tr");
    head.append(make("th", "metric"), ...data.methods.map((method) => make("th", written(method.name))));
    const rows = data.columns.map((column) => {
      const row = make("tr"), title = make("td", `${column.title} ${column.arrow}`);
      title.title = column.explanation;
      row.append(title, ...data.methods.map((method) => {
        const cell = make("td", valueText(current, method.name, column.metric));
        const found = (current.values[method.name] || {})[column.metric];
        if (found && found.reason) cell.title = found.reason;
        return cell;
      }));
      return row;
    });
    find("metrics").replaceChildren(head, ...rows);
  }

  // --- the list: filters and order

  function ordered(clips) {
    const order = find("order").value, metric = find("metric").value, method = find("method").value;
    const badness = (clip) => ((clip.values[method] || {})[metric] || {}).badness;
    const byName = (a, b) => a.dataset.localeCompare(b.dataset) || a.clip.localeCompare(b.clip);
    return [...clips].sort((a, b) => {
      if (order === "name") return byName(a, b);
      const first = badness(a), second = badness(b);
      if (first === undefined || second === undefined) {
        return (first === undefined) - (second === undefined) || byName(a, b);
      }
      return (order === "worst" ? second - first : first - second) || byName(a, b);
    });
  }

  function list() {
    const dataset = find("dataset").value, speaker = find("speaker").value;
    const words = find("search").value.trim().toLowerCase();
    const metric = find("metric").value, column = columns.get(metric);
    shown = ordered(data.clips.filter((clip) =>
      (!dataset || clip.dataset === dataset) && (!speaker || clip.speaker === speaker) &&
      (!words || `${clip.clip} ${clip.transcript}`.toLowerCase().includes(words))));
    find("meaning").textContent = `${column.title} ${column.arrow}: ${column.explanation}. Worst: ${column.worst}.`;
    find("count").textContent = `${shown.length} of ${data.clips.length} clips`;
    find("list").replaceChildren(...shown.map((clip) => {
      const item = make("li"), button = make("button"), image = make("img"), texts = make("span");
      button.type = "button";
      button.dataset.key = key(clip);
      button.setAttribute("aria-current", String(current !== null && key(clip) === key(current)));
      image.src = address(clip.picture);
      image.alt = "";
      image.loading = "lazy";
      const scores = data.methods.map((method) => `${written(method.name)} ${valueText(clip, method.name, metric)}`);
      texts.append(make("div", clip.transcript || clip.clip));
      texts.append(make("div", `${clip.clip}, ${clip.dataset}, speaker ${clip.speaker}`, "name"));
      texts.append(make("div", `${column.title}: ${scores.join(" · ")}`, "scores"));
      if (clip.worst.length) texts.append(make("div", `among the worst in ${clip.worst.join("; ")}`, "name"));
      button.append(image, texts);
      button.addEventListener("click", () => {
        choose(clip, true);
        find("stage").scrollIntoView({ block: "nearest" });
      });
      item.append(button);
      return item;
    }));
    if (current) showScores();
  }

  function neighbour(by) {
    if (!shown.length) return;
    const place = current ? shown.findIndex((clip) => key(clip) === key(current)) : -1;
    const next = shown[Math.min(Math.max(place + by, 0), shown.length - 1)];
    if (current && key(next) === key(current)) return;
    choose(next, playing);
    const row = [...find("list").querySelectorAll("button")].find((button) => button.dataset.key === key(next));
    if (matchMedia("(min-width: 900px)").matches) row.scrollIntoView({ block: "nearest" });
  }

  function fill(select, pairs) {
    select.replaceChildren(...pairs.map(([value, text]) => {
      const option = make("option", text);
      option.value = value;
      return option;
    }));
  }

  function speakersOf(dataset) {
    const found = new Set(data.clips.filter((clip) => !dataset || clip.dataset === dataset).map((clip) => clip.speaker));
    fill(find("speaker"), [["", "all"], ...[...found].sort().map((speaker) => [speaker, speaker])]);
  }

  // --- the other pages and the keys

  function page(name) {
    for (const other of ["videos", "table", "plots"]) {
      find(other).hidden = other !== name;
      find(`show-${other}`).setAttribute("aria-pressed", String(other === name));
    }
    if (name !== "videos") stop();
  }

  function plots() {
    const figures = data.plots.map((plot) => {
      const figure = make("figure"), image = make("img");
      image.src = address(plot.path);
      image.alt = plot.title;
      image.loading = "lazy";
      figure.append(make("figcaption", plot.title), image);
      return figure;
    });
    find("plots").replaceChildren(...(figures.length ? figures : [make("p", "This run has no plots.")]));
  }

  function pressed(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || find("videos").hidden) return;
    const within = event.target.closest("select, input, textarea, summary");
    if (within && !(within.id === "time" && event.key === " ")) return;
    if (event.key === " " && event.target.closest("button") && !event.target.closest("#list")) return;
    const actions = {
      " ": toggle, ArrowUp: () => neighbour(-1), ArrowDown: () => neighbour(1),
      ArrowLeft: () => step(-1), ArrowRight: () => step(1),
    };
    if (!(event.key in actions)) return;
    event.preventDefault();
    if (!(event.repeat && event.key === " ")) actions[event.key]();
  }

  // A space that plays must not also press the row that has the focus.
  function released(event) {
    if (event.key === " " && event.target.closest("#list button")) event.preventDefault();
  }

  find("about").replaceChildren(...data.about.map((sentence) => make("p", sentence)));
  fill(find("dataset"), [["", "all"], ...data.datasets.map((dataset) => [dataset, dataset])]);
  fill(find("metric"), data.columns.map((column) => [column.metric, `${column.title} ${column.arrow}`]));
  fill(find("method"), data.methods.map((method) => [method.name, written(method.name)]));
  find("metric").value = data.first.metric;
  find("method").value = data.first.method;
  speakersOf("");
  plots();
  list();
  if (shown.length) choose(shown[0], false);

  find("dataset").addEventListener("change", () => { speakersOf(find("dataset").value); list(); });
  for (const id of ["speaker", "metric", "method", "order"]) find(id).addEventListener("change", list);
  find("search").addEventListener("input", list);
  find("play").addEventListener("click", toggle);
  find("previous").addEventListener("click", () => neighbour(-1));
  find("next").addEventListener("click", () => neighbour(1));
  find("back").addEventListener("click", () => step(-1));
  find("forward").addEventListener("click", () => step(1));
  find("time").addEventListener("input", () => { if (playing) stop(); seek(Number(find("time").value)); });
  find("mute").addEventListener("change", () => { sound.muted = find("mute").checked; });
  find("speed").addEventListener("change", () => { sound.playbackRate = Number(find("speed").value); });
  for (const name of ["videos", "table", "plots"]) find(`show-${name}`).addEventListener("click", () => page(name));
  document.addEventListener("keydown", pressed);
  document.addEventListener("keyup", released);
})();
