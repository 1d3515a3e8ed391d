// Figures and numbers: what the page carries, unpacked, and how a reader's locale writes it.
"use strict";

function makeFormats() {
  const format = (options) => {
    const made = new Intl.NumberFormat(undefined, options);
    return (x) => made.format(x);
  };
  const whole = format({ maximumFractionDigits: 0 });
  const tenth = format({ maximumFractionDigits: 1, minimumFractionDigits: 1 });
  const percent = format({ style: "percent", maximumFractionDigits: 0 });
  const percentTenth = format({ style: "percent", maximumFractionDigits: 1 });
  const percentFine = format({ style: "percent", maximumSignificantDigits: 2 });
  const usd = format({ style: "currency", currency: "USD", maximumFractionDigits: 0 });
  const usdShort = format({ style: "currency", currency: "USD", notation: "compact", maximumSignificantDigits: 3 });
  const compact = format({ notation: "compact", maximumSignificantDigits: 3 });
  const count = (x) => (x === 0 || x >= 9.95 ? whole(x) : x < 0.05 ? `<${tenth(0.1)}` : tenth(x));
  const share = (x) => (x === 0 || x >= 0.1 ? percent(x) : x >= 0.01 ? percentTenth(x) : percentFine(x));
  const range = (low, high) => (count(low) === count(high) ? count(low) : `${count(low)}–${count(high)}`);
  return { whole, percent, usd, usdShort, compact, count, share, range };
}

function unpackFigures(data) {
  const rungs = data.ladder.length;
  const KINDS = {
    u1: Uint8Array,
    u2: Uint16Array,
    u4: Uint32Array,
    u8: BigUint64Array,
    i2: Int16Array,
    f4: Float32Array,
    f8: Float64Array,
  };
  const unpack = (text, kind) => new KINDS[kind](Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0)).buffer);
  const unpackLadder = ({ top, root }) => {
    const tops = unpack(top, "f4");
    return Float32Array.from(unpack(root, "u2"), (u, i) => tops[Math.floor(i / rungs)] * (u / 65535) ** 2);
  };
  const levels = data.levels.map((level) => ({
    resolution: level.resolution,
    cells: Array.from(unpack(level.cells, "u8"), (cell) => cell.toString(16)),
    longitude: unpack(level.longitude, "f4"),
    latitude: unpack(level.latitude, "f4"),
    households: unpack(level.households, "f4"),
    at_least: unpackLadder(level.at_least),
    variance: unpackLadder(level.variance),
    most: unpack(level.most, "f4"),
    hidden: unpack(level.hidden, "u1"),
    county: unpack(level.county, "i2"),
    offsets: unpack(level.zip_offsets, "u4"),
    zipAt: unpack(level.zip_at, "u2"),
    hatch: unpack(level.hatch, "f4"),
  }));
  const zips = {
    codes: data.zips.codes,
    county: data.zips.county,
    hidden: unpack(data.zips.hidden, "u1"),
    households: unpack(data.zips.households, "f8"),
    at_least: unpack(data.zips.at_least, "f8"),
    variance: unpack(data.zips.variance, "f8"),
    most: unpack(data.zips.most, "f8"),
  };
  const region = {
    households: [data.region.households],
    at_least: data.region.at_least,
    variance: data.region.variance,
    most: [data.region.most],
    hidden: [0],
  };
  return { levels, zips, region };
}

// The 5% and 95% points of the Beta distribution with this mean and variance, as in geoscore.ladder.interval.
function intervalOf(m, v, most, z) {
  if (!(most > 0)) return [0, 0];
  const p = m / most;
  if (!(v > 0 && p > 0 && p < 1)) return [m, m];
  const trials = Math.min(Math.max((p * (1 - p) * most * most) / v - 1, 1e-3), 1e12);
  const [a, b] = [p * trials, (1 - p) * trials];
  const [s, t] = [Math.min(1 / (9 * a), 0.99), Math.min(1 / (9 * b), 0.99)];
  const square = (1 - t) ** 2 - z * z * t;
  const middle = (1 - s) * (1 - t);
  const rest = (1 - s) ** 2 - z * z * s;
  const reach = Math.sqrt(Math.max(middle ** 2 - square * rest, 0));
  const point = (root) => (most * a * root ** 3) / (a * root ** 3 + b);
  const low = point(Math.max(rest, 0) / (middle + reach));
  const high = point((middle + reach) / Math.max(square, 1e-12));
  return [Math.min(m, low), Math.max(m, high)];
}
