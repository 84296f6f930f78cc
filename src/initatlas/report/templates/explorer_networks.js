// The kernel explorer: an activation, a depth, both variances, and what theory says of them.

function startNetworks(root, { kernels }, state) {
  const form = root.querySelector("form");
  const figures = [...root.querySelectorAll("figure")];
  const link = root.querySelector(".link a");
  const LEAST_WEIGHTS = 0.05, MOST_WEIGHTS = 10, STEPS = 400;
  const thetas = Array.from({ length: 181 }, (_, i) => (Math.PI * (180 - i)) / 180);
  const cosines = thetas.map(Math.cos);
  const read = new Map();
  const plots = figures.map(() => null);
  const places = figures.map(() => ({ row: 0, column: 0 }));
  let turn = 0;

  const weightsAt = (step) => LEAST_WEIGHTS * (MOST_WEIGHTS / LEAST_WEIGHTS) ** (step / STEPS);
  const stepOf = (weights) => Math.round((STEPS * Math.log(weights / LEAST_WEIGHTS)) / Math.log(MOST_WEIGHTS / LEAST_WEIGHTS));
  const within = (text, low, high, otherwise) => {
    const number = Number(text);
    return text !== undefined && Number.isFinite(number) ? Math.min(Math.max(number, low), high) : otherwise;
  };

  function choices() {
    const written = kernels.find((kernel) => kernel.label === state.activation) ?? kernels[0];
    return {
      written,
      depth: Math.round(within(state.depth, 1, 64, 3)),
      weights: within(state.weights, LEAST_WEIGHTS, MOST_WEIGHTS, 2),
      biases: within(state.biases, 0, 2, 0),
      divided: state.divided !== "0",
    };
  }

  async function kernelOf(written) {
    if (!read.has(written.label)) read.set(written.label, await readKernel(written));
    return read.get(written.label);
  }

  function controls({ written, depth, weights, biases, divided }) {
    const slider = (name, text, shown, value, low, high, step) => element("div", { class: "slider" }, element("label", {},
      element("span", {}, `${text} `), element("b", {}, shown),
      element("input", { type: "range", name, min: low, max: high, step, value, "aria-valuetext": shown })));
    const options = kernels.map(({ label, title }) => element("option", { value: label, selected: label === written.label }, title));
    const focused = form.contains(document.activeElement) ? document.activeElement.name : null;
    form.replaceChildren(
      element("div", { class: "choices" },
        element("label", {}, "Activation", element("select", { name: "activation" }, ...options)),
        element("label", { class: "tick" }, element("input", { type: "checkbox", name: "divided", checked: divided }), "kernels over their value at cosine 1"),
        element("button", { type: "button", name: "keep" }, "keep the variance 1"),
        element("button", { type: "button", name: "edge" }, "to the edge of chaos")),
      element("div", { class: "sliders" },
        slider("depth", "hidden layers", String(depth), depth, 1, 64, 1),
        slider("weights", "weight variance × fan-in", formatNumber(weights), stepOf(weights), 0, STEPS, 1),
        slider("biases", "bias variance", formatNumber(biases), biases, 0, 2, 0.01)));
    if (focused) form.elements[focused]?.focus();
  }

  // Lines in one of the figures, with their key, their reading and their words.
  function draw(number, { x, xs, y, lines, words, marks, named, drawn }) {
    const figure = figures[number], frame = figure.querySelector(".plot"), said = figure.querySelector("output");
    plots[number]?.destroy();
    const logarithmic = y.logarithmic;
    const place = (value) => (logarithmic ? Math.log10(value) : value);
    const colours = lines.map((_, i) => LINES[i]);
    figure.querySelector(".key").replaceChildren(element("ul", {}, ...lines.map(({ label }, i) =>
      element("li", {}, element("i", { style: `background: ${colours[i]}` }), label))));
    plots[number] = drawLines(frame, {
      x, places: xs, y, height: 260, marks, drawn,
      lines: lines.map(({ label, values, unseen }, i) => (
        { label, values: Array.from(values, place), colour: unseen ? "transparent" : colours[i], points: false })),
    });
    const grid = { xs, rows: lines.length, yOf: (row, column) => place(lines[row].values[column]) };
    makeReadable(frame, plots[number], grid, places[number], (row, column) => {
      said.textContent = `${named(column)}: ${lines.map(({ label, values }) => `${label} ${formatNumber(values[column], 5)}`).join(", ")}`;
    });
    said.textContent = "";
    frame.setAttribute("aria-label", `${words} Arrow keys read the values.`);
  }

  // A vertical line at the weight variance that is chosen.
  function markAt(weights) {
    return (plot) => {
      const left = plot.valToPos(Math.log10(weights), "x", true), { top, height } = plot.bbox;
      plot.ctx.save();
      plot.ctx.strokeStyle = style("--ink");
      plot.ctx.setLineDash([5, 4]);
      plot.ctx.beginPath();
      plot.ctx.moveTo(left, top);
      plot.ctx.lineTo(left, top + height);
      plot.ctx.stroke();
      plot.ctx.restore();
    };
  }

  function dot(x, y, colour) {
    return (plot) => {
      plot.ctx.save();
      plot.ctx.fillStyle = colour;
      plot.ctx.beginPath();
      plot.ctx.arc(plot.valToPos(x, "x", true), plot.valToPos(y, "y", true), 5 * devicePixelRatio, 0, 2 * Math.PI);
      plot.ctx.fill();
      plot.ctx.restore();
    };
  }

  // A curve through points in their order, which a line over x could not be where it turns back.
  function curve(points, colour) {
    return (plot) => {
      plot.ctx.save();
      plot.ctx.strokeStyle = colour;
      plot.ctx.lineWidth = 1.8 * devicePixelRatio;
      plot.ctx.beginPath();
      plot.ctx.rect(plot.bbox.left, plot.bbox.top, plot.bbox.width, plot.bbox.height);
      plot.ctx.clip();
      plot.ctx.beginPath();
      for (const [x, y] of points) plot.ctx.lineTo(plot.valToPos(x, "x", true), plot.valToPos(y, "y", true));
      plot.ctx.stroke();
      plot.ctx.restore();
    };
  }

  function drawDual(kernel) {
    const shown = Math.min(1, kernel.largest);
    const { dual } = dualAt(kernel, shown);
    const values = thetas.map(dual);
    draw(0, {
      x: { title: "cosine", range: [-1.02, 1.02] }, xs: cosines, y: { title: "mean of products" },
      lines: [{ label: "of φ", values: values.map(({ product }) => product) }, { label: "of φ′", values: values.map(({ slope }) => slope) }],
      words: `Dual activations of ${kernel.title} and of its derivative at variance ${formatNumber(shown)}, over the cosine.`,
      named: (column) => `cosine ${formatNumber(cosines[column])}`,
    });
  }

  function drawKernels(kernel, chosen) {
    const result = kernelsAt(kernel, chosen, thetas);
    const frame = figures[1].querySelector(".plot");
    const notice = figures[1].querySelector(".notice");
    notice.hidden = !result.ended;
    frame.hidden = Boolean(result.ended);
    figures[1].querySelector(".key").hidden = frame.hidden;
    if (result.ended) {
      notice.textContent = `In layer ${result.ended} the pre-activations have a variance of ${formatNumber(result.variances[result.ended - 1])}, beyond the ${formatNumber(kernel.largest)} of the table: take smaller variances or fewer layers.`;
      figures[1].querySelector("output").textContent = "";
      return;
    }
    const last = thetas.length - 1;
    const shown = (values) => (chosen.divided ? values.map((value) => value / values[last]) : values);
    draw(1, {
      x: { title: "cosine", range: [-1.02, 1.02] }, xs: cosines, y: { title: chosen.divided ? "kernel / its value at 1" : "kernel" },
      lines: [{ label: "NNGP", values: shown(result.nngp) }, { label: "NTK", values: shown(result.ntk) }],
      words: `NNGP and NTK of ${chosen.depth} hidden layers of ${kernel.title} over the cosine of two inputs of norm 1; at cosine 1 they are ${formatNumber(result.nngp[last])} and ${formatNumber(result.ntk[last])}.`,
      named: (column) => `cosine ${formatNumber(cosines[column])}`,
    });
  }

  // The edge does not depend on the network, so it is computed once per activation.
  function edgeOf(kernel) {
    const most = Math.min(kernel.largest, 100);
    kernel.edge ??= edgeOfChaos(kernel, Array.from({ length: 161 }, (_, i) => 1e-4 * (most / 1e-4) ** (i / 160)));
    return kernel.edge;
  }

  function drawEdge(kernel, { weights, biases }) {
    const all = edgeOf(kernel);
    const edge = all
      .filter(([a, b]) => a >= LEAST_WEIGHTS && a <= MOST_WEIGHTS && b <= 2).sort((one, other) => one[0] - other[0]);
    const xs = edge.map(([a]) => Math.log10(a));
    const here = dot(Math.log10(weights), biases, style("--ink"));
    const notice = figures[2].querySelector(".notice");
    notice.hidden = edge.length > 0 && kernel.reach !== null;
    if (kernel.reach === null) notice.textContent = `Rectifiers are critical without biases alone, at the weight variance ${formatNumber(criticalWeights(kernel, 0))}.`;
    else notice.textContent = "No network of this activation is critical in this window.";
    const points = kernel.reach === null ? edge.slice(0, 1).map(([a, b]) => dot(Math.log10(a), b, LINES[0]))
      : [curve(all.map(([a, b]) => [Math.log10(a), b]), LINES[0])];
    draw(2, {
      x: { title: "weight variance × fan-in", logarithmic: true, range: [Math.log10(LEAST_WEIGHTS), 1] },
      xs: xs.length ? xs : [0], y: { title: "bias variance", range: [-0.08, 2.08] },
      lines: [{ label: "edge of chaos; the dot is this network", values: xs.length ? edge.map(([, b]) => b) : [NaN], unseen: true }],
      marks: [...points, here], words: `The edge of chaos of ${kernel.title} in the plane of both variances, and this network as a dot.`,
      named: (column) => `weight variance ${formatNumber(10 ** (xs[column] ?? NaN))}`,
    });
  }

  function drawDepths(kernel, { weights, biases }, drawn) {
    const all = Array.from({ length: 121 }, (_, i) => LEAST_WEIGHTS * (MOST_WEIGHTS / LEAST_WEIGHTS) ** (i / 120));
    if (kernel.theory?.biases !== biases) kernel.theory = { biases, values: all.map((one) => meanField(kernel, one, biases)) };
    const theory = kernel.theory.values;
    draw(3, {
      x: { title: "weight variance × fan-in", logarithmic: true, range: [Math.log10(LEAST_WEIGHTS), 1] }, xs: all.map(Math.log10),
      y: { title: "layers", logarithmic: true, range: [-1, 3] },
      lines: [{ label: "gradients", values: theory.map(({ depth }) => depth) }, { label: "correlation", values: theory.map(({ correlationDepth }) => correlationDepth) }],
      marks: [markAt(weights)], drawn,
      words: `Layers over which gradients and correlations change by a factor e, over the weight variance, at a bias variance of ${formatNumber(biases)}.`,
      named: (column) => `weight variance ${formatNumber(all[column])}`,
    });
  }

  function say(kernel, chosen) {
    const { variance, chi, correlation, depth, correlationDepth } = meanField(kernel, chosen.weights, chosen.biases);
    const beyond = kernel.reach !== null && variance === Infinity ? `above ${formatNumber(kernel.largest)}, or without bound` : null;
    const phase = Number.isNaN(chi) ? "unknown" : Math.abs(chi - 1) < 1e-6 ? "critical" : chi < 1 ? "ordered" : "chaotic";
    const facts = [
      ["phase", phase], ["χ", Number.isNaN(chi) ? "unknown" : formatNumber(chi, 6)],
      ["variance in the depth limit", beyond ?? (Number.isNaN(variance) ? "any" : variance === Infinity ? "without bound" : formatNumber(variance, 6))],
      ["correlation in the depth limit", Number.isNaN(correlation) ? (beyond ? "unknown" : "that of the start") : formatNumber(correlation, 6)],
      ["depth scale of gradients", Number.isNaN(depth) ? "unknown" : formatNumber(depth, 6)],
      ["of correlations", Number.isNaN(correlationDepth) ? "unknown" : formatNumber(correlationDepth, 6)],
    ];
    root.querySelector("dl").replaceChildren(...facts.map(([name, text]) => element("div", {}, element("dt", {}, name), element("dd", {}, text))));
    root.querySelector(".range").textContent = kernel.reach === null
      ? "The dual of this activation is proportional to the variance, so any variance is in range."
      : `Pre-activations of a variance up to ${formatNumber(kernel.largest)} are in range.`;
  }

  async function update() {
    const mine = ++turn;
    const chosen = choices();
    const kernel = await kernelOf(chosen.written);
    if (mine !== turn) return; // another choice was made while this one was unpacked
    const start = performance.now();
    controls(chosen);
    say(kernel, chosen);
    drawDual(kernel);
    drawKernels(kernel, chosen);
    drawEdge(kernel, chosen);
    drawDepths(kernel, chosen, () => { root.dataset.milliseconds = (performance.now() - start).toFixed(1); });
    link.href = `#explorer-kernels?${new URLSearchParams({
      activation: chosen.written.label, depth: chosen.depth, weights: Number(chosen.weights.toPrecision(12)), biases: chosen.biases, divided: chosen.divided ? 1 : 0,
    })}`;
  }

  async function redraw() {
    await update();
    history.replaceState(null, "", link.getAttribute("href"));
  }

  form.addEventListener("input", ({ target }) => {
    if (target.name === "divided") state.divided = target.checked ? "1" : "0";
    else state[target.name] = target.name === "weights" ? weightsAt(Number(target.value)) : target.value;
    redraw();
  });
  form.addEventListener("click", async ({ target }) => {
    if (target.tagName !== "BUTTON") return;
    const chosen = choices(), kernel = await kernelOf(chosen.written);
    const wanted = target.name === "edge" ? criticalWeights(kernel, chosen.biases) : (1 - chosen.biases) / moment(kernel, 1);
    if (!(wanted >= LEAST_WEIGHTS && wanted <= MOST_WEIGHTS)) {
      root.querySelector(".range").textContent = `No weight variance from ${LEAST_WEIGHTS} to ${MOST_WEIGHTS} does that at this bias variance.`;
      return;
    }
    state.weights = wanted;
    redraw();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  return update;
}
