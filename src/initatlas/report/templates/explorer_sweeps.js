// The sweep explorer: a sweep, an output, two axes of it to draw, and what is done with the others. An axis of numbers that is not
// drawn has frames, one per value, which can be played.

const MOST_LINES = 24; // that are drawn unasked
const FILM_MILLISECONDS = 8000, FRAME_MILLISECONDS = [80, 600]; // how long a film takes, and a frame of it at least and at most

function startSweeps(root, { sweeps }, state) {
  const form = root.querySelector("form"), frame = root.querySelector(".plot"), said = root.querySelector("output");
  const link = root.querySelector(".link a"), legend = root.querySelector(".key");
  const arrays = new Map();
  const place = { row: 0, column: 0 }, seen = { key: null, all: null };
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let plot = null, shown = null, turn = 0, film = null;

  const sweepOf = () => sweeps.find((sweep) => sweep.title === state.sweep) ?? sweeps[0];
  const outputOf = (sweep) => sweep.outputs.find((output) => output.name === state.output) ?? sweep.outputs[0];
  const axisOf = (sweep, name) => sweep.axes.find((axis) => axis.name === name);

  async function arrayOf(sweep, key, text, Kind) {
    const name = `${sweep.title} ${key}`;
    if (!arrays.has(name)) arrays.set(name, await unpack(text, Kind));
    return arrays.get(name);
  }

  // What the state asks for, held against the axes that there are.
  function choices() {
    const sweep = sweepOf(), output = outputOf(sweep);
    const axes = output.axes.map((name) => axisOf(sweep, name));
    const names = output.axes;
    const count = (name) => axisOf(sweep, name).labels.length;
    const long = names.filter((name) => name !== "seed").reverse().sort((a, b) => count(b) - count(a));
    const x = names.includes(state.x) ? state.x : long[0] ?? names[0];
    const others = names.filter((name) => name !== x);
    const rest = long.filter((name) => name !== x);
    const second = rest.find((name) => count(name) <= MOST_LINES) ?? rest[0] ?? null;
    const y = state.y === "" ? null : others.includes(state.y) ? state.y : second;
    const view = y !== null && state.view === "map" ? "map" : "lines";
    const over = state.over === undefined ? others.filter((name) => name === "seed" && name !== y)
      : state.over.split(",").filter((name) => others.includes(name) && name !== y);
    const at = Object.fromEntries(names.map((name, i) => [name, Math.min(Number(state[`at.${name}`]) || 0, axes[i].labels.length - 1)]));
    const frames = others.includes(state.frames) && state.frames !== y && !over.includes(state.frames) ? state.frames : null;
    return { sweep, output, axes, x, y, view, over, at, frames, statistic: state.statistic ?? "median" };
  }

  function scaleOf(axis) {
    const units = axis.units === "1" ? "" : ` (${axis.units})`;
    const title = `${axis.name.replaceAll("_", " ")}${units}`;
    if (axis.values === null) {
      const places = axis.labels.map((_, i) => i);
      return { title, logarithmic: false, places, ticks: axis.labels.map((text, at) => ({ at, text: shortened(text) })) };
    }
    const places = axis.logarithmic ? axis.values.map(Math.log10) : axis.values;
    const few = places.length <= 9 && (axis.logarithmic || isEven(places));
    const named = few ? { ticks: places.map((at, i) => ({ at, text: formatNumber(axis.values[i]) })) } : {};
    return { title, logarithmic: axis.logarithmic, places, ...named };
  }

  function isEven(places) {
    const steps = places.slice(1).map((place, i) => place - places[i]);
    return steps.length === 0 || Math.max(...steps) < 1.5 * Math.min(...steps);
  }

  function shortened(text) {
    return text.length > 18 ? `${text.slice(0, 17)}…` : text;
  }

  function option(value, text, chosen) {
    return element("option", { value, selected: value === chosen }, text);
  }

  function select(name, label, options, chosen) {
    const made = element("select", { name }, ...options.map(([value, text]) => option(value, text, chosen)));
    return element("label", {}, label, made);
  }

  function controls(chosen) {
    const { sweep, output, axes, x, y, view, over, at, statistic } = chosen;
    const words = (name) => name.replaceAll("_", " ");
    const names = output.axes.map((name) => [name, words(name)]);
    const rest = axes.filter((axis) => axis.name !== x && axis.name !== y);
    const studies = [...new Set(sweeps.map((sweep) => sweep.title.split("/")[0]))];
    const groups = studies.map((study) => element("optgroup", { label: study }, ...sweeps
      .filter((sweep) => sweep.title.startsWith(`${study}/`))
      .map(({ title }) => option(title, words(title.split("/")[1]), sweep.title))));
    const main = [
      element("label", {}, "Sweep", element("select", { name: "sweep" }, ...groups)),
      select("output", "Output", sweep.outputs.map((output) => [output.name, words(output.name)]), output.name),
      select("view", "Drawn as", y === null ? [["lines", "lines"]] : [["lines", "lines"], ["map", "map"]], view),
      select("x", "Across", names, x),
      select("y", view === "map" ? "Upwards" : "One line per", [...(view === "map" ? [] : [["", "no second axis"]]),
        ...names.filter(([name]) => name !== x)], y ?? ""),
      element("label", { class: "tick" }, element("input", { type: "checkbox", name: "log", checked: shown.logarithmic, disabled: !shown.positive }), "logarithmic"),
    ];
    if (over.length) {
      main.push(select("statistic", "Of all", ["median", "mean", "least", "largest"].map((word) => [word, word]), statistic));
    }
    const sliders = rest.map((axis) => {
      const all = over.includes(axis.name);
      const position = at[axis.name];
      const text = all ? `all ${axis.labels.length}` : axis.labels[position];
      return element("div", { class: "slider" },
        element("label", {}, element("span", {}, words(axis.name), " "), element("b", {}, text),
          element("input", { type: "range", name: `at.${axis.name}`, min: 0, max: axis.labels.length - 1, step: 1, value: position,
            disabled: all, "aria-valuetext": text })),
        axis.values !== null && axis.labels.length > 2
          ? element("button", { type: "button", name: `play.${axis.name}`, disabled: all }, film?.name === axis.name ? "Pause" : playWord()) : "",
        element("label", { class: "tick" }, element("input", { type: "checkbox", name: `over.${axis.name}`, checked: all }), "all"));
    });
    const focused = form.contains(document.activeElement) ? document.activeElement.name : null;
    form.replaceChildren(element("div", { class: "choices" }, ...main), element("div", { class: "sliders" }, ...sliders));
    if (focused) form.elements[focused]?.focus();
  }

  // What a step along a slider changes in the form, which stays the same: it may be in somebody's hand.
  function moveControls({ sweep, at }) {
    for (const [name, position] of Object.entries(at)) {
      const slider = form.elements[`at.${name}`];
      if (!slider || slider.disabled) continue;
      const text = axisOf(sweep, name).labels[position];
      if (Number(slider.value) !== position) slider.value = position;
      slider.setAttribute("aria-valuetext", text);
      slider.parentElement.querySelector("b").textContent = text;
    }
    form.elements.log.checked = shown.logarithmic;
    form.elements.log.disabled = !shown.positive;
  }

  // Where the system asks for less motion, each press shows one frame.
  function playWord() {
    return still.matches ? "Next" : "Play";
  }

  function pause() {
    if (film === null) return;
    const button = form.elements[`play.${film.name}`];
    if (button) button.textContent = playWord();
    film = null;
    history.replaceState(null, "", link.getAttribute("href"));
  }

  // Show frame after frame up to the last one; from that, begin with the first.
  async function play(name, button) {
    const mine = film = { name };
    state.frames = name;
    if (!still.matches) button.textContent = "Pause";
    const step = async () => {
      const { sweep, at, frames } = choices();
      if (frames === null) return pause(); // the address asks for something else
      const last = axisOf(sweep, name).labels.length - 1;
      const position = at[name] < last ? at[name] + 1 : 0;
      state[`at.${name}`] = position;
      await update({ step: true });
      if (film !== mine) return undefined;
      if (still.matches || position === last) return pause();
      const [least, most] = FRAME_MILLISECONDS;
      const next = () => { if (film === mine) step(); };
      return setTimeout(() => requestAnimationFrame(next), Math.min(Math.max(FILM_MILLISECONDS / last, least), most));
    };
    await step();
  }

  function lineTitles(chosen) {
    return chosen.y === null ? [chosen.output.name.replaceAll("_", " ")] : axisOf(chosen.sweep, chosen.y).labels;
  }

  // Why there is no number: what the cube says of the point, or what the experiment says of such a value.
  function absence(chosen, result, cell, status) {
    if (status) {
      const { sweep, output } = chosen;
      const lengths = output.axes.map((name) => axisOf(sweep, name).labels.length);
      const positions = positionsOf(result.start[cell], lengths);
      const statusLengths = sweep.status_axes.map((name) => axisOf(sweep, name)?.labels.length ?? 1);
      const entry = strides(statusLengths).reduce((sum, step, i) => sum + step * (positions[output.axes.indexOf(sweep.status_axes[i])] ?? 0), 0);
      if (result.of === 1 && status[entry] === 1) return "failed";
      if (result.of === 1 && status[entry] === 2) return "left out of the sweep";
    }
    return chosen.output.missing ? `missing: ${chosen.output.missing}` : "missing";
  }

  function reading(chosen, result, row, column, status) {
    const { sweep, output, x, y, over, statistic } = chosen;
    const cell = row * result.columns + column;
    const value = result.centre[cell];
    const named = (name, i) => `${name.replaceAll("_", " ")} ${axisOf(sweep, name).labels[i]}`;
    const where = [named(x, column), ...(y === null ? [] : [named(y, row)])].join(", ");
    const units = output.units === "1" ? "" : ` ${output.units}`;
    let text = Number.isNaN(value) ? absence(chosen, result, cell, status) : `${formatNumber(value)}${units}`;
    if (!Number.isFinite(value) && !Number.isNaN(value) && output.infinite) text += ` (${output.infinite})`;
    if (over.length && !Number.isNaN(value)) {
      text += `, ${statistic} of ${result.count[cell]} of ${result.of}; middle half ${formatNumber(result.low[cell])} to ${formatNumber(result.high[cell])}`;
    }
    return `${where}: ${text}`;
  }

  function keyOfLines(titles, colours, title) {
    const entries = titles.map((text, i) => element("li", {}, element("i", { style: `background: ${colours[i]}` }), text));
    legend.replaceChildren(element("span", {}, `${title}:`), element("ul", {}, ...entries));
  }

  function keyOfMap(ends, title, units, values) {
    const stops = [0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1].map((share) => `rgb(${viridis(share).join(" ")})`);
    const extra = [];
    if (values.some(Number.isNaN)) extra.push(element("span", {}, element("i", { class: "hatch" }), "missing"));
    if (values.some((value) => value === Infinity)) extra.push(element("span", {}, element("i", { class: "ink" }), "infinite"));
    legend.replaceChildren(element("span", {}, `${title}${units}:`), element("span", {}, formatNumber(ends[0])),
      element("i", { class: "ramp", style: `background: linear-gradient(to right, ${stops.join(", ")})` }),
      element("span", {}, formatNumber(ends[1])), ...extra);
  }

  function address(chosen) {
    const words = { sweep: chosen.sweep.title, output: chosen.output.name, view: chosen.view, x: chosen.x, y: chosen.y ?? "", over: chosen.over.join(",") };
    if (chosen.over.length) words.statistic = chosen.statistic;
    if (state.log !== undefined) words.log = state.log;
    if (chosen.frames !== null) words.frames = chosen.frames;
    for (const name of chosen.output.axes) {
      if (name !== chosen.x && name !== chosen.y && !chosen.over.includes(name)) words[`at.${name}`] = chosen.at[name];
    }
    return `#explorer-sweeps?${new URLSearchParams(words)}`;
  }

  // All that a film shows, and between which ends, of the values and of their logarithms; the same in each of its frames. Without a
  // film, what the slice shows.
  function everyFrame({ sweep, output, frames }, values, lengths, slicing) {
    if (frames === null) return [framesOf(values, lengths, slicing, null), null];
    const axis = output.axes.indexOf(frames);
    const positions = slicing.positions.map((position, other) => (other === axis ? 0 : position));
    const key = JSON.stringify([sweep.title, output.name, axis, { ...slicing, positions }]);
    if (seen.key !== key) {
      const all = framesOf(values, lengths, slicing, axis);
      Object.assign(seen, { key, all, ends: [fences(all), fences(all.map((values) => values.map(Math.log10)))] });
    }
    return [seen.all, seen.ends];
  }

  async function update({ step = false } = {}) {
    const mine = ++turn;
    const chosen = choices();
    const { sweep, output, axes, x, y, view, over, at, statistic } = chosen;
    const values = await arrayOf(sweep, output.name, output.data, Float32Array);
    const status = sweep.status ? await arrayOf(sweep, "status", sweep.status, Uint8Array) : null;
    if (mine !== turn) return; // another choice was made while this one was unpacked
    const start = performance.now();
    const lengths = axes.map((axis) => axis.labels.length);
    const number = (name) => output.axes.indexOf(name);
    const slicing = { x: number(x), y: y === null ? null : number(y), positions: output.axes.map((name) => at[name]), over: over.map(number), statistic };
    const result = slice(values, lengths, slicing);
    const [all, ends] = everyFrame(chosen, values, lengths, slicing);
    const positive = (extent(all)?.[0] ?? 0) > 0;
    const logarithmic = positive && (state.log === undefined ? wantsLogarithm(all) : state.log === "1");
    shown = { positive, logarithmic };
    step ? moveControls(chosen) : controls(chosen);
    plot?.destroy();
    const drawn = () => { root.dataset.milliseconds = (performance.now() - start).toFixed(1); };
    plot = (view === "map" ? map : lines)(chosen, result, logarithmic, drawn, view === "map" ? extent(all, logarithmic) : ends?.[Number(logarithmic)]);
    const grid = view === "map"
      ? { xs: scaleOf(axisOf(sweep, x)).places, rows: result.rows, yOf: (row) => scaleOf(axisOf(sweep, y)).places[row] }
      : { xs: scaleOf(axisOf(sweep, x)).places, rows: result.rows, yOf: (row, column) => {
          const value = result.centre[row * result.columns + column];
          return logarithmic ? Math.log10(value) : value;
        } };
    makeReadable(frame, plot, grid, place, (row, column) => { said.textContent = reading(chosen, result, row, column, status); });
    if (!step) said.textContent = "Values are read with the pointer or, from the plot, with the arrow keys.";
    root.querySelector(".about").textContent = about(chosen);
    frame.setAttribute("aria-label", alternative(chosen, result));
    link.href = address(chosen);
  }

  function about({ sweep, output, view, frames }) {
    const held = Object.entries(sweep.held).map(([name, value]) => `${name.replaceAll("_", " ")} ${value}`);
    const summary = sweep.summary.replace(/\.$/, "");
    const scale = frames === null ? "" : ` The scale is that of all frames along ${frames.replaceAll("_", " ")}${view === "map" ? "" : ", outliers left out"}.`;
    return `${summary}${held.length ? ` (${held.join(", ")})` : ""}. Shown: ${output.title}.${scale}`;
  }

  function alternative({ output, x, y, view }, result) {
    const ends = extent([result.centre]);
    const range = ends ? `from ${formatNumber(ends[0])} to ${formatNumber(ends[1])}` : "without numbers";
    const what = view === "map" ? `Map of ${output.title} over ${x} and ${y}` : `${output.title} over ${x}${y ? `, a line per ${y}` : ""}`;
    return `${what}: ${result.centre.length} values ${range}. Arrow keys read them.`;
  }

  function lines(chosen, result, logarithmic, drawn, ends) {
    const { sweep, output, x, y, over } = chosen;
    const titles = lineTitles(chosen), axis = y === null ? null : axisOf(sweep, y);
    const colours = titles.map((_, i) => lineColour(i, titles.length, axis !== null && axis.values !== null && titles.length > 3));
    const drawnAs = (array, row) => Array.from(array.subarray(row * result.columns, (row + 1) * result.columns), (value) => (logarithmic ? Math.log10(value) : value));
    const across = scaleOf(axisOf(sweep, x));
    const all = titles.map((label, row) => ({
      label, colour: colours[row], values: drawnAs(result.centre, row), points: result.columns <= 60,
      ...(over.length && result.rows <= 4 && result.of > 1 ? { low: drawnAs(result.low, row), high: drawnAs(result.high, row) } : {}),
    }));
    const units = output.units === "1" ? "" : ` (${output.units})`;
    keyOfLines(y === null ? [] : titles, colours, y === null ? output.title : y.replaceAll("_", " "));
    return drawLines(frame, {
      x: across, places: across.places, lines: all, drawn,
      y: { title: `${output.name.replaceAll("_", " ")}${units}`, logarithmic, range: ends && padded(ends, 0.06) },
    });
  }

  function map(chosen, result, logarithmic, drawn, range) {
    const { sweep, output, x, y } = chosen;
    const across = scaleOf(axisOf(sweep, x)), up = scaleOf(axisOf(sweep, y));
    const ends = range ?? [0, 1];
    const [low, high] = logarithmic ? ends.map(Math.log10) : ends;
    const shade = (value) => (high > low ? ((logarithmic ? Math.log10(value) : value) - low) / (high - low) : 0.5);
    keyOfMap(ends, output.title, output.units === "1" ? "" : ` (${output.units})`, [...result.centre]);
    return drawMap(frame, { x: across, y: up, xs: across.places, ys: up.places, values: result.centre, shade, drawn });
  }

  // What a control says goes into the state; what depends on the sweep alone is forgotten with it.
  function take(input) {
    const { name } = input;
    if (name === "sweep" || name === "output") {
      const kept = name === "output" ? { sweep: state.sweep, view: state.view } : {};
      for (const key of Object.keys(state)) delete state[key];
      Object.assign(state, kept);
    }
    if (name.startsWith("over.")) {
      const axis = name.slice(5);
      const { over } = choices();
      state.over = (input.checked ? [...over, axis] : over.filter((other) => other !== axis)).join(",");
    } else if (name === "log") state.log = input.checked ? "1" : "0";
    else state[name] = input.value;
  }

  form.addEventListener("input", async (event) => {
    pause();
    take(event.target);
    await update({ step: event.target.name.startsWith("at.") });
    history.replaceState(null, "", link.getAttribute("href"));
  });
  form.addEventListener("click", ({ target }) => {
    if (!target.name?.startsWith("play.")) return;
    const name = target.name.slice(5), again = film?.name === name;
    pause();
    if (!again) play(name, target);
  });
  still.addEventListener("change", () => { pause(); update(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  return update;
}
