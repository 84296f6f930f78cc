// Packed arrays, slices of them, and numbers as text. No part of it touches the page, so that it can be tested outside of one.

async function inflated(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// The reverse of `initatlas.report.packing.pack`: bytes lie in planes, the lowest of every number first.
async function unpack(text, Kind) {
  const planes = await inflated(text);
  const size = Kind.BYTES_PER_ELEMENT;
  const count = planes.length / size;
  const bytes = new Uint8Array(planes.length);
  for (let plane = 0; plane < size; plane++) {
    for (let i = 0; i < count; i++) bytes[i * size + plane] = planes[plane * count + i];
  }
  return new Kind(bytes.buffer);
}

function strides(lengths) {
  const steps = new Array(lengths.length).fill(1);
  for (let i = lengths.length - 2; i >= 0; i--) steps[i] = steps[i + 1] * lengths[i + 1];
  return steps;
}

// Offsets of all combinations of positions along some axes.
function offsetsAlong(axes, lengths, steps) {
  let offsets = [0];
  for (const axis of axes) {
    const longer = [];
    for (const offset of offsets) for (let i = 0; i < lengths[axis]; i++) longer.push(offset + i * steps[axis]);
    offsets = longer;
  }
  return offsets;
}

function quantile(sorted, share) {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  if (sorted[below] === sorted[above]) return sorted[below];
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

// One number for many, with the middle half of them; NaN where there is none.
function summary(values, statistic) {
  if (values.length === 0) return [NaN, NaN, NaN];
  const sorted = Float64Array.from(values).sort();
  const ends = [quantile(sorted, 0.25), quantile(sorted, 0.75)];
  const centre = {
    median: () => quantile(sorted, 0.5),
    mean: () => sorted.reduce((sum, value) => sum + value, 0) / sorted.length,
    least: () => sorted[0],
    largest: () => sorted[sorted.length - 1],
  }[statistic]();
  return [centre, ...ends];
}

// A slice of an array: x and y are numbers of axes (y may be null), `positions` holds one position per axis, and `over` the axes
// of which all positions are summed up. Rows are y, columns are x.
function slice(values, lengths, { x, y, positions, over, statistic }) {
  const steps = strides(lengths);
  const kept = (axis) => axis !== x && axis !== y && !over.includes(axis);
  const base = positions.reduce((sum, position, axis) => sum + (kept(axis) ? position * steps[axis] : 0), 0);
  const inside = offsetsAlong(over, lengths, steps);
  const columns = lengths[x], rows = y === null ? 1 : lengths[y];
  const cells = columns * rows;
  const result = {
    columns, rows, of: inside.length, start: new Int32Array(cells), count: new Int32Array(cells),
    centre: new Float64Array(cells), low: new Float64Array(cells), high: new Float64Array(cells),
  };
  const found = [];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const cell = row * columns + column;
      const start = base + column * steps[x] + (y === null ? 0 : row * steps[y]);
      result.start[cell] = start;
      if (inside.length === 1) {
        result.centre[cell] = result.low[cell] = result.high[cell] = values[start];
        result.count[cell] = Number.isNaN(values[start]) ? 0 : 1;
        continue;
      }
      found.length = 0;
      for (const offset of inside) if (!Number.isNaN(values[start + offset])) found.push(values[start + offset]);
      result.count[cell] = found.length;
      [result.centre[cell], result.low[cell], result.high[cell]] = summary(found, statistic);
    }
  }
  return result;
}

// What the frames along an axis show, an array each, with the middle half where values are summed up; of the slice alone without
// such an axis. All frames are drawn on the scale of all of these.
function framesOf(values, lengths, slicing, axis) {
  const places = axis === null ? [null] : Array.from({ length: lengths[axis] }, (_, place) => place);
  return places.flatMap((place) => {
    const positions = slicing.positions.map((position, other) => (other === axis ? place : position));
    const { centre, low, high } = slice(values, lengths, { ...slicing, positions });
    return slicing.over.length && axis !== null ? [centre, low, high] : [centre];
  });
}

// Positions along the axes of an entry of an array.
function positionsOf(entry, lengths) {
  return strides(lengths).map((step, axis) => Math.floor(entry / step) % lengths[axis]);
}

const MINUS = "−";
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

function formatNumber(value, digits = 4) {
  if (Number.isNaN(value)) return "missing";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : MINUS + "∞";
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e6 || size < 1e-4)) {
    const [front, power] = value.toExponential(digits - 1).split("e");
    const mantissa = String(Number(front));
    const exponent = [...power.replace("+", "")].map((c) => (c === "-" ? "⁻" : SUPERSCRIPTS[c])).join("");
    const before = mantissa === "1" ? "" : mantissa === "-1" ? MINUS : `${mantissa.replace("-", MINUS)} · `;
    return `${before}10${exponent}`;
  }
  return String(Number(value.toPrecision(digits))).replace("-", MINUS);
}

// Round places between two ends, and what they are called: of a linear scale, or of one of decimal logarithms.
function ticks(low, high, most, logarithmic) {
  if (!(high > low)) return [{ at: low, text: formatNumber(logarithmic ? 10 ** low : low) }];
  if (logarithmic && high - low < 0.7) {
    return ticks(10 ** low, 10 ** high, most, false)
      .filter(({ at }) => at > 0)
      .map(({ at, text }) => ({ at: Math.log10(at), text }));
  }
  if (logarithmic) return logarithmicTicks(low, high, most);
  const rough = (high - low) / Math.max(most, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough * 0.999);
  const first = Math.ceil(low / step - 1e-9);
  const places = [];
  for (let i = first; i * step <= high + 1e-9 * step; i++) places.push({ at: i * step, text: formatNumber(i * step) });
  return places;
}

function logarithmicTicks(low, high, most) {
  const decades = high - low;
  const fronts = decades * 3 <= most ? [1, 2, 5] : decades * 2 <= most ? [1, 3] : [1];
  const stride = Math.max(1, Math.ceil(decades / Math.max(most, 1)));
  const places = [];
  for (let power = Math.floor(low); power <= Math.ceil(high); power++) {
    if (power % stride !== 0) continue;
    for (const front of fronts) {
      const at = power + Math.log10(front);
      if (at >= low - 1e-9 && at <= high + 1e-9) places.push({ at, text: formatNumber(front * 10 ** power, 2) });
    }
  }
  return places;
}

// Ends of all finite numbers, of positive ones alone for a logarithmic scale; null where there is none.
function extent(arrays, positive = false) {
  let low = Infinity, high = -Infinity;
  for (const array of arrays) {
    for (const value of array) {
      if (!Number.isFinite(value) || (positive && value <= 0)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return low <= high ? [low, high] : null;
}

// Ends of all finite numbers but outliers, those farther from the middle half than three times its width (Tukey's outer fences).
function fences(arrays) {
  const all = Float64Array.from(arrays.flatMap((array) => Array.from(array).filter(Number.isFinite))).sort();
  if (all.length === 0) return null;
  const [low, high] = [quantile(all, 0.25), quantile(all, 0.75)];
  const reach = high > low ? 3 * (high - low) : Infinity;
  return extent([all.filter((value) => value >= low - reach && value <= high + reach)]);
}

// Whether values ask for a logarithmic scale: all positive, over two decades or more.
function wantsLogarithm(arrays) {
  const all = extent(arrays);
  return all !== null && all[0] > 0 && all[1] / all[0] >= 100;
}

const VIRIDIS = ["440154", "472d7b", "3b528b", "2c728e", "21918c", "28ae80", "5ec962", "addc30", "fde725"].map((hex) =>
  [0, 2, 4].map((place) => parseInt(hex.slice(place, place + 2), 16)));

function viridis(share) {
  const place = Math.min(Math.max(share, 0), 1) * (VIRIDIS.length - 1);
  const below = Math.min(Math.floor(place), VIRIDIS.length - 2);
  return VIRIDIS[below].map((value, i) => Math.round(value + (place - below) * (VIRIDIS[below + 1][i] - value)));
}
