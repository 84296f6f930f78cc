// Kernels of infinitely wide networks from Chebyshev coefficients (`initatlas.report.explorer_kernels`). Inputs have norm 1, the first
// layer's weights variance 1, and all later ones `weights` over the fan-in; every hidden layer has biases of variance `biases`.

const ROOT_HALF = Math.SQRT1_2;

async function readKernel(written) {
  const all = await unpack(written.data, Float64Array);
  const { deviations, angles } = written;
  const matrix = (number) => all.subarray(deviations + number * deviations * angles, deviations + (number + 1) * deviations * angles);
  return {
    ...written,
    largest: written.reach === null ? Infinity : written.reach ** 2,
    moment: all.subarray(0, deviations), gap: matrix(0), far: matrix(1), slopeNear: matrix(2), slopeFar: matrix(3),
  };
}

// Clenshaw's recurrence.
function chebyshev(coefficients, x) {
  let current = 0, before = 0;
  for (let k = coefficients.length - 1; k > 0; k--) [current, before] = [coefficients[k] + 2 * x * current - before, current];
  return coefficients[0] + x * current - before;
}

function placeOf(kernel, variance) {
  return kernel.reach === null ? 0 : (2 * Math.asinh(Math.sqrt(variance))) / Math.asinh(kernel.reach) - 1;
}

function scaleOfVariance(kernel, variance) {
  return kernel.per_variance ? variance : 1;
}

// E[phi(u)^2] at a variance.
function moment(kernel, variance) {
  return scaleOfVariance(kernel, variance) * chebyshev(kernel.moment, placeOf(kernel, variance));
}

// Coefficients in the angle at a variance, from a matrix of coefficients in both.
function atVariance(kernel, matrix, variance) {
  const { deviations, angles } = kernel;
  const x = placeOf(kernel, variance);
  const result = new Float64Array(angles);
  let [now, before] = [1, x];
  for (let j = 0; j < deviations; j++) {
    for (let k = 0; k < angles; k++) result[k] += now * matrix[j * angles + k];
    [now, before] = [j === 0 ? x : 2 * x * now - before, now];
  }
  return result;
}

// The dual at one variance, as a function of the angle: {product, gap, slope}, the means of phi phi and of phi' phi'.
function dualAt(kernel, variance) {
  const top = moment(kernel, variance), scale = scaleOfVariance(kernel, variance);
  const [gap, far, slopeNear, slopeFar] = ["gap", "far", "slopeNear", "slopeFar"].map((name) => atVariance(kernel, kernel[name], variance));
  const dual = (theta) => {
    if (theta <= 0.5 * Math.PI) {
      const sine = Math.sin(0.5 * theta), x = Math.min((2 * sine) / ROOT_HALF - 1, 1);
      const lost = 4 * variance * sine * sine * chebyshev(gap, x);
      return { product: top - lost, gap: lost, slope: chebyshev(slopeNear, x) };
    }
    const x = Math.min((2 * Math.cos(0.5 * theta)) / ROOT_HALF - 1, 1);
    const product = scale * chebyshev(far, x);
    return { product, gap: top - product, slope: chebyshev(slopeFar, x) };
  };
  return { moment: top, dual };
}

function angleOfGap(gap) {
  return 2 * Math.asin(Math.sqrt(Math.min(Math.max(0.5 * gap, 0), 1)));
}

// NNGP and NTK at some angles between the inputs (Jacot et al. 2018, theorem 1). `variances` are those of the hidden layers; where one
// is beyond the table, `ended` is the number of that layer, and there are no kernels. The depth is 1 or more.
function kernelsAt(kernel, { depth, weights, biases }, thetas) {
  // Without biases the kernels of an odd or even activation are odd or even in the cosine: a fold at the right angle keeps the digits
  // of angles near pi, which a deep chaotic network would blow up.
  const folded = (theta) => kernel.parity !== 0 && biases === 0 && theta > 0.5 * Math.PI;
  const acute = Float64Array.from(thetas, (theta) => (folded(theta) ? Math.PI - theta : theta));
  const sign = Float64Array.from(thetas, (theta) => (folded(theta) ? kernel.parity : 1));
  let variance = 1 + biases;
  let angles = biases === 0 ? acute : acute.map((theta) => angleOfGap((2 * Math.sin(0.5 * theta) ** 2) / variance));
  let ntk = acute.map((theta) => Math.cos(theta) + biases);
  const variances = [];
  for (let layer = 1; layer <= depth; layer++) {
    variances.push(variance);
    if (variance > kernel.largest) return { variances, ended: layer };
    const { moment: top, dual } = dualAt(kernel, variance);
    const last = layer === depth;
    const offset = last ? 0 : biases;
    const next = weights * top + offset;
    const nngp = new Float64Array(thetas.length), turned = new Float64Array(thetas.length), tangent = new Float64Array(thetas.length);
    for (let i = 0; i < thetas.length; i++) {
      const { product, gap, slope } = dual(angles[i]);
      nngp[i] = weights * product + offset;
      tangent[i] = nngp[i] + weights * slope * ntk[i];
      turned[i] = next > 0 ? angleOfGap((weights * gap) / next) : 0.5 * Math.PI;
    }
    if (last) return { nngp: nngp.map((value, i) => sign[i] * value), ntk: tangent.map((value, i) => sign[i] * value), variances, ended: 0 };
    [variance, angles, ntk] = [next, turned, tangent];
  }
}

// ---- mean-field theory (Poole et al. 2016; Schoenholz et al. 2017), as in `initatlas.kernels.meanfield`

function slopeAt(kernel, variance, theta) {
  if (theta > 0.5 * Math.PI) return dualAt(kernel, variance).dual(theta).slope;
  const x = Math.min((2 * Math.sin(0.5 * theta)) / ROOT_HALF - 1, 1);
  return chebyshev(atVariance(kernel, kernel.slopeNear, variance), x);
}

function bisect(f, low, high) {
  const sign = Math.sign(f(low));
  for (let step = 0; step < 100; step++) {
    const middle = 0.5 * (low + high);
    if (middle === low || middle === high) break;
    if (Math.sign(f(middle)) === sign) low = middle;
    else high = middle;
  }
  return 0.5 * (low + high);
}

// Variances that are scanned, 20 a decade, with the means of phi^2 over them; the same whatever weights and biases are.
function scanned(kernel) {
  if (!kernel.scan) {
    const most = Math.min(kernel.largest, 1e4);
    const count = Math.ceil(20 * Math.log10(most / 1e-8)) + 1;
    const variances = Array.from({ length: count }, (_, i) => Math.min(1e-8 * (most / 1e-8) ** (i / (count - 1)), most));
    kernel.scan = variances.map((variance) => [variance, moment(kernel, variance)]);
  }
  return kernel.scan;
}

// The variance that layers tend to from 1; infinite where it grows beyond the table, NaN where every variance stays.
function fixedVariance(kernel, weights, biases) {
  if (kernel.reach === null) {
    const chi = weights * slopeAt(kernel, 1, 0);
    if (Math.abs(chi - 1) < 1e-12) return biases === 0 ? NaN : Infinity;
    return chi < 1 ? biases / (1 - chi) : Infinity;
  }
  const growth = (variance, square) => (weights * square + biases) / variance - 1;
  const f = (variance) => growth(variance, moment(kernel, variance));
  const scan = scanned(kernel);
  const roots = biases === 0 && kernel.per_variance ? [0] : [];
  for (let i = 1; i < scan.length; i++) {
    const [before, after] = [growth(...scan[i - 1]), growth(...scan[i])];
    if (before * after < 0 && Math.max(Math.abs(before), Math.abs(after)) > 1e-9) roots.push(bisect(f, scan[i - 1][0], scan[i][0]));
  }
  const up = kernel.largest >= 1 && f(1) >= 0;
  const found = roots.filter((root) => (up ? root >= 1 - 1e-12 : root <= 1));
  return up ? Math.min(Infinity, ...found) : Math.max(0, ...found);
}

function depthOf(slope) {
  return slope === 0 ? 0 : Math.abs(Math.log(slope)) < 1e-12 ? Infinity : 1 / Math.abs(Math.log(slope));
}

// Where variance and correlation go, chi, and the depths over which gradients and correlations change by e.
function meanField(kernel, weights, biases) {
  const variance = fixedVariance(kernel, weights, biases);
  const rectifier = kernel.reach === null;
  if (!rectifier && !Number.isFinite(variance)) return { variance, chi: NaN, correlation: NaN, depth: NaN, correlationDepth: NaN };
  const at = rectifier ? 1 : variance;
  const chi = weights * slopeAt(kernel, at, 0);
  if (rectifier) {
    const kept = kernel.parity === -1 && (biases === 0 || chi > 1);
    const slope = biases > 0 ? chi : 1;
    return { variance, chi, correlation: kept ? NaN : 1, depth: depthOf(chi), correlationDepth: slope < 1 ? depthOf(slope) : Infinity };
  }
  const { correlation, theta } = fixedCorrelation(kernel, at, chi, weights, biases);
  const slope = weights * slopeAt(kernel, at, theta);
  return { variance, chi, correlation, depth: depthOf(chi), correlationDepth: slope > 0 && slope < 1 ? depthOf(slope) : slope === 0 ? 0 : Infinity };
}

function fixedCorrelation(kernel, variance, chi, weights, biases) {
  if (variance === 0 || chi <= 1) return { correlation: 1, theta: 0 };
  if (biases === 0 && kernel.parity === -1) return { correlation: 0, theta: 0.5 * Math.PI };
  const { dual } = dualAt(kernel, variance);
  const thetaOf = (distance) => angleOfGap(distance);
  // How much the distance 1 - c grows in a layer.
  const growth = (distance) => (weights * dual(thetaOf(distance)).gap) / variance - distance;
  let near = 0.5;
  while (near > 1e-13 && growth(near) <= 0) near *= 0.5;
  if (near <= 1e-13) return { correlation: 1, theta: 0 };
  const distance = bisect(growth, near, 1);
  return { correlation: 1 - distance, theta: thetaOf(distance) };
}

// The edge of chaos: at each variance the weight and bias variances for which it stays and chi is 1; where no bias does, nothing.
function edgeOfChaos(kernel, variances) {
  return variances.map((variance) => {
    const weights = 1 / slopeAt(kernel, variance, 0);
    const biases = variance - weights * moment(kernel, variance);
    return [weights, Math.abs(biases) < 1e-9 * Math.max(variance, 1) ? 0 : biases];
  }).filter(([, biases]) => biases >= 0);
}

// Weight variance on the edge for a bias variance: that of the smallest variance which gives this bias; NaN where none does.
function criticalWeights(kernel, biases) {
  if (kernel.reach === null) return biases === 0 ? 1 / slopeAt(kernel, 1, 0) : NaN;
  const excess = (variance) => variance - moment(kernel, variance) / slopeAt(kernel, variance, 0) - biases;
  const variances = scanned(kernel).map(([variance]) => variance);
  if (Math.abs(excess(variances[0])) < 1e-11) return 1 / slopeAt(kernel, variances[0], 0);
  for (let i = 1; i < variances.length; i++) {
    if (excess(variances[i - 1]) * excess(variances[i]) <= 0) return 1 / slopeAt(kernel, bisect(excess, variances[i - 1], variances[i]), 0);
  }
  return NaN;
}
