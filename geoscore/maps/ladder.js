// Reading a ladder: any threshold or band from its rungs, and the interval around an expected count. As ladder.py.
"use strict";

function makeLadder(head) {
  const rungs = head.ladder.map(Math.log);
  const last = rungs.length - 1;

  function between(usd) {
    const upper = Math.min(Math.max(head.ladder.findLastIndex((rung) => rung <= usd) + 1, 1), last);
    return { rung: upper - 1, share: (Math.log(usd) - rungs[upper - 1]) / (rungs[upper] - rungs[upper - 1]) };
  }
  // Linear in ln T between two rungs.
  function at(get, usd) {
    const { rung, share } = between(usd);
    const low = get(rung);
    if (share === 0) return low;
    const high = get(rung + 1);
    return low.map((value, i) => (1 - share) * value + share * high[i]);
  }
  function bandOf(table, { at: from, below }) {
    const n = table.households;
    const ends = [from, below].map((usd) => at(table.count, usd));
    const spreads = [from, below].map((usd) => at((k) => table.spread(k + 1), usd));
    const places = table.spread(0);
    const m = ends[0].map((above, i) => above - ends[1][i]);
    const v = m.map((inside, i) => {
      const share = n[i] > 0 ? inside / n[i] : 0;
      let [factors, known] = [0, 0];
      ends.forEach((above, end) => {
        const p = n[i] > 0 ? above[i] / n[i] : 0;
        const even = n[i] * p * (1 - p);
        if (!(even > 0)) return;
        factors += Math.max(spreads[end][i] - p ** 2 * places[i], 0) / even;
        known += 1;
      });
      return share ** 2 * places[i] + (known ? factors / known : 1) * n[i] * share * (1 - share);
    });
    return [m, v];
  }
  // Expected households of a table's places at a threshold or in a band, kept until another is asked for.
  function figuresOf(table, capacity) {
    const key = `${capacity.at}:${capacity.below}`;
    if (table.figures?.key === key) return table.figures;
    const [m, v] = capacity.below
      ? bandOf(table, capacity)
      : [at(table.count, capacity.at), at((k) => table.spread(k + 1), capacity.at)];
    table.figures = { key, m, v };
    return table.figures;
  }
  function read(table, i, capacity) {
    const { m, v } = figuresOf(table, capacity);
    const n = table.households[i];
    const [low, high] = intervalOf(m[i], v[i], n + 3 * Math.sqrt(table.spread(0)[i]), head.z);
    return { n, m: m[i], low, high, share: n > 0 ? m[i] / n : 0 };
  }
  return { figuresOf, read };
}

// The 5% and 95% points of the Beta distribution with this mean and variance, as in geoscore.ladder.interval.
function intervalOf(m, v, most, z) {
  if (!(most > 0)) return [m, m];
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

// What the hexagons are colored by, and the classes of it.
function makeClasses(head, ladder, region) {
  const FIXED_SHARES = [0.05, 0.1, 0.2, 0.3, 0.45, 0.6];
  const SURE = [0.15, 0.3, 0.6]; // half an interval, as a part of the estimate
  const ALPHA = [255, 180, 110, 55];
  const regionShare = (capacity) => ladder.read(region, 0, capacity).share;
  const seen = (table, i) => table.hidden[i] !== 2 && table.households[i] > 0;

  function valueOf(figures, measure, capacity) {
    if (measure === "low") return figures.low;
    if (measure === "estimate") return figures.m;
    if (measure === "share") return figures.share;
    const base = regionShare(capacity);
    return base > 0 ? (100 * figures.share) / base : 0;
  }
  // Values of all places at once; intervals are reckoned only where they are asked for.
  function valuesOf(table, measure, capacity) {
    const { m } = ladder.figuresOf(table, capacity);
    if (measure === "low") return Float64Array.from(m, (_, i) => ladder.read(table, i, capacity).low);
    if (measure === "estimate") return m;
    const base = regionShare(capacity);
    const unit = measure === "share" ? 1 : base > 0 ? 100 / base : 0;
    return Float64Array.from(m, (some, i) => (table.households[i] > 0 ? (unit * some) / table.households[i] : 0));
  }
  // Steps of 1, 2 and 5 below what the fullest hexagons hold: the same at every threshold.
  function fixedCounts(table) {
    const full = Array.from(table.households).filter((n, i) => seen(table, i)).sort((a, b) => a - b); // prettier-ignore
    const top = 0.8 * (full[Math.floor(0.98 * full.length)] ?? 1);
    const steps = [];
    for (let power = Math.floor(Math.log10(Math.max(top, 1))); steps.length < 6; power -= 1)
      for (const step of [5, 2, 1]) if (step * 10 ** power <= Math.max(top, 1) && steps.length < 6) steps.push(step * 10 ** power);
    return steps.map((step) => Number(step.toPrecision(1))).sort((a, b) => a - b);
  }
  function breaksOf(table, values, { measure, classes }) {
    if (measure === "index") return head.palette.index_breaks;
    if (classes === "fixed") return measure === "share" ? FIXED_SHARES : fixedCounts(table);
    const kept = values.filter((_, i) => seen(table, i)).sort();
    const rounded = Array.from({ length: 6 }, (_, k) =>
      Number(kept[Math.floor(((k + 1) * kept.length) / 7)]?.toPrecision(2)),
    );
    return [...new Set(rounded)].filter((b) => b > kept[0] && b <= kept.at(-1)).sort((a, b) => a - b);
  }
  function classesOf(table, state, tone) {
    const { measure, capacity } = state;
    const values = valuesOf(table, measure, capacity);
    const breaks = breaksOf(table, values, state);
    const palette = (measure === "index" ? head.palette.diverging : head.palette.sequential)[tone];
    const spread = breaks.length ? (palette.length - 1) / breaks.length : 0;
    const colors = Array.from({ length: breaks.length + 1 }, (_, k) => palette[breaks.length ? Math.round(k * spread) : 3]);
    const counts = colors.map(() => 0);
    const classAt = Int8Array.from(values, (value, i) => {
      if (!seen(table, i)) return -1;
      let k = 0;
      while (k < breaks.length && value >= breaks[k]) k += 1;
      counts[k] += 1;
      return k;
    });
    const alpha = state.fade
      ? Uint8Array.from(values, (_, i) => {
          const { m, low, high } = ladder.read(table, i, capacity);
          const unsure = m > 0 ? (high - low) / 2 / m : 1;
          return ALPHA[SURE.findIndex((most) => unsure < most) < 0 ? 3 : SURE.findIndex((most) => unsure < most)];
        })
      : null;
    return { breaks, colors, counts, classAt, alpha };
  }
  return { classesOf, valueOf, seen, regionShare, ALPHA, SURE };
}
