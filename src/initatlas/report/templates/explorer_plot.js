// Plots: lines by uPlot, maps by cells that are painted under its axes. Scales are linear in what is drawn, so a logarithmic one
// holds logarithms and has labels that say the numbers.

const LINES = ["#0072B2", "#E69F00", "#009E73", "#56B4E9", "#D55E00", "#7a7f87", "#CC79A7"];

function style(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

function lineColour(number, count, ordered) {
  if (!ordered && count <= LINES.length) return LINES[number];
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const share = count > 1 ? number / (count - 1) : 0;
  return `rgb(${viridis(dark ? 0.3 + 0.7 * share : 0.85 * share).join(" ")})`;
}

// What an axis of uPlot needs. `scale` is {title, logarithmic, ticks?}: places of its own, or round ones.
function plotAxis(scale, side) {
  const room = side === "x" ? 70 : 34;
  let named = [];
  return {
    scale: side,
    label: scale.title,
    labelSize: 22,
    labelFont: "13px system-ui, sans-serif",
    font: "12px system-ui, sans-serif",
    stroke: style("--soft"),
    grid: { show: scale.grid !== false, stroke: style("--rule"), width: 1 },
    ticks: { stroke: style("--rule"), width: 1, size: 5 },
    size: side === "x" ? 32 : 62,
    splits: (plot, _axis, low, high) => {
      const length = (side === "x" ? plot.bbox.width : plot.bbox.height) / devicePixelRatio;
      const most = Math.max(2, Math.floor(length / room));
      named = scale.ticks ? thinned(scale.ticks, most) : ticks(low, high, most, scale.logarithmic);
      return named.map((tick) => tick.at);
    },
    filter: (_plot, splits) => splits,
    values: () => named.map((tick) => tick.text),
  };
}

function thinned(all, most) {
  const stride = Math.ceil(all.length / most);
  return all.filter((_, number) => number % stride === 0);
}

function padded([low, high], share) {
  const margin = high > low ? share * (high - low) : 0.5 * (Math.abs(low) || 1);
  return [low - margin, high + margin];
}

function plotSize(frame, height) {
  return { width: Math.max(240, Math.floor(frame.clientWidth)), height };
}

function finite(values) {
  return Array.from(values, (value) => (Number.isFinite(value) ? value : null));
}

// Lines over a common x. `lines` are {label, values, low?, high?, colour, points?}; values are as drawn. `marks` are drawn on top.
function drawLines(frame, { x, places, y, lines, height = 360, drawn, marks = [] }) {
  const data = [places], series = [{}], bands = [];
  for (const line of lines) {
    data.push(finite(line.values));
    const points = line.points === false ? { show: false } : { show: true, size: 5, fill: line.colour, stroke: line.colour };
    series.push({ label: line.label, stroke: line.colour, width: 1.8, pxAlign: 0, points, spanGaps: false });
  }
  for (const line of lines.filter((line) => line.low)) {
    const edge = { stroke: "transparent", points: { show: false } };
    data.push(finite(line.high), finite(line.low));
    series.push(edge, { ...edge });
    bands.push({ series: [data.length - 2, data.length - 1], fill: faded(line.colour) });
  }
  const ends = y.range ?? padded(extent(data.slice(1).map((values) => values.filter((value) => value !== null))) ?? [0, 1], 0.06);
  return new uPlot({
    ...plotSize(frame, height),
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { show: false }, y: false },
    scales: { x: { time: false, range: () => x.range ?? padded(extent([places]) ?? [0, 1], 0.03) }, y: { range: () => ends } },
    axes: [plotAxis(x, "x"), plotAxis(y, "y")],
    series, bands,
    hooks: { draw: [(plot) => { marks.forEach((mark) => mark(plot)); drawn?.(plot); }] },
  }, data, frame);
}

function faded(colour) {
  return colour.startsWith("#") ? `${colour}38` : colour.replace(")", " / 0.22)");
}

// Edges halfway between neighbours.
function edges(places) {
  if (places.length === 1) return [places[0] - 0.5, places[0] + 0.5];
  const inner = places.slice(1).map((place, i) => (place + places[i]) / 2);
  return [2 * places[0] - inner[0], ...inner, 2 * places[places.length - 1] - inner[inner.length - 1]];
}

// A map of cells. `values` holds rows of y; `shade` takes a value to 0..1; NaN is hatched, infinity is ink.
function drawMap(frame, { x, y, xs, ys, values, shade, height = 400, drawn }) {
  const across = edges(xs), up = edges(ys);
  const paint = (plot) => {
    const context = plot.ctx;
    const columns = across.map((edge) => Math.round(plot.valToPos(edge, "x", true)));
    const rows = up.map((edge) => Math.round(plot.valToPos(edge, "y", true)));
    const hatch = hatching(context), ink = style("--ink");
    context.save();
    for (let row = 0; row < ys.length; row++) {
      for (let column = 0; column < xs.length; column++) {
        const value = values[row * xs.length + column];
        context.fillStyle = Number.isNaN(value) ? hatch
          : Number.isFinite(value) ? `rgb(${viridis(shade(value)).join(" ")})` : ink;
        context.fillRect(columns[column], rows[row + 1], columns[column + 1] - columns[column], rows[row] - rows[row + 1]);
      }
    }
    context.restore();
  };
  return new uPlot({
    ...plotSize(frame, height),
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { show: false }, x: false, y: false },
    scales: {
      x: { time: false, range: () => [across[0], across[across.length - 1]] },
      y: { range: () => [up[0], up[up.length - 1]] },
    },
    axes: [plotAxis({ ...x, grid: false }, "x"), plotAxis({ ...y, grid: false }, "y")],
    series: [{}, { show: false }],
    hooks: { drawClear: [paint], draw: [(plot) => drawn?.(plot)] },
  }, [xs, xs.map(() => null)], frame);
}

function hatching(context) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 8;
  const pen = tile.getContext("2d");
  pen.fillStyle = style("--faint");
  pen.fillRect(0, 0, 8, 8);
  pen.strokeStyle = style("--soft");
  pen.beginPath();
  for (const start of [-8, 0, 8]) { pen.moveTo(start, 8); pen.lineTo(start + 8, 0); }
  pen.stroke();
  return context.createPattern(tile, "repeat");
}

function nearest(places, value) {
  let best = 0;
  for (let i = 1; i < places.length; i++) if (Math.abs(places[i] - value) < Math.abs(places[best] - value)) best = i;
  return best;
}

// Let the pointer and the arrow keys walk over a plot. `grid` is {xs, rows, yOf(row, column)}; `say(row, column)` tells the place.
function makeReadable(frame, plot, grid, place, say) {
  const mark = element("div", { class: "mark", "aria-hidden": "true", hidden: true });
  plot.over.append(mark);
  const show = () => {
    const y = grid.yOf(place.row, place.column);
    mark.hidden = !Number.isFinite(y);
    mark.style.left = `${plot.valToPos(grid.xs[place.column], "x")}px`;
    mark.style.top = `${plot.valToPos(Number.isFinite(y) ? y : 0, "y")}px`;
    say(place.row, place.column);
  };
  plot.over.addEventListener("pointermove", (event) => {
    const box = plot.over.getBoundingClientRect();
    const top = event.clientY - box.top;
    place.column = nearest(grid.xs, plot.posToVal(event.clientX - box.left, "x"));
    let closest = Infinity;
    for (let row = 0; row < grid.rows; row++) {
      const distance = Math.abs(plot.valToPos(grid.yOf(row, place.column), "y") - top);
      if (distance < closest) [closest, place.row] = [distance, row];
    }
    show();
  });
  frame.onkeydown = (event) => {
    const [right, up] = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] ?? [0, 0];
    if (right === 0 && up === 0) return;
    event.preventDefault();
    place.column = Math.min(Math.max(place.column + right, 0), grid.xs.length - 1);
    place.row = Math.min(Math.max(place.row + up, 0), grid.rows - 1);
    show();
  };
  place.column = Math.min(place.column, grid.xs.length - 1);
  place.row = Math.min(place.row, grid.rows - 1);
  if (document.activeElement === frame) show();
  frame.onfocus = show;
}
