// The heavy loops of the DreamEngine over Float64Arrays: what brain/dream/plain.py says, in the same order of operations.
// Every function takes plain numbers and typed arrays, and returns a Float64Array.

export function divergence(series, dim, lag, apart, steps) {
  const count = series.length - (dim - 1) * lag;
  const followed = count - steps + 1;
  const nearest = new Int32Array(followed).fill(-1);
  const least = new Float64Array(followed).fill(Infinity);
  // each pair once; going up in `at`, every vector meets its others in their order, and the first of equals stays
  for (let at = 0; at < followed; at++) {
    for (let other = at + apart + 1; other < followed; other++) {
      const far = squared(series, at, other, dim, lag);
      if (far < least[at]) { least[at] = far; nearest[at] = other; }
      if (far < least[other]) { least[other] = far; nearest[other] = at; }
    }
  }
  const curve = new Float64Array(steps);
  for (let step = 0; step < steps; step++) {
    let total = 0, met = 0;
    for (let at = 0; at < followed; at++) {
      const far = squared(series, at + step, nearest[at] + step, dim, lag);
      if (far) { total += Math.log(Math.sqrt(far)); met++; }
    }
    curve[step] = met ? total / met : NaN;
  }
  return curve;
}

export function correlationCounts(series, dim, lag, radii) {
  const count = series.length - (dim - 1) * lag;
  const counts = new Float64Array(radii.length);
  const last = radii.length - 1;
  const beyond = radii[last] * radii[last] * 1.000001; // a quick look first; the root decides
  for (let at = 0; at < count; at++) {
    for (let other = at + 1; other < count; other++) {
      const far = squared(series, at, other, dim, lag);
      if (far > beyond) continue;
      const distance = Math.sqrt(far);
      let place = last;
      while (place >= 0 && distance <= radii[place]) place--;
      if (place < last) counts[place + 1]++;
    }
  }
  for (let place = 1; place <= last; place++) counts[place] += counts[place - 1];
  return counts;
}

export function templateMatches(series, dim, lag, tolerance) {
  const count = series.length - dim * lag;
  let short = 0, long = 0;
  for (let at = 0; at < count; at++) {
    for (let other = at + 1; other < count; other++) {
      let place = 0;
      while (place < dim && Math.abs(series[at + place * lag] - series[other + place * lag]) < tolerance) place++;
      if (place < dim) continue;
      short++;
      if (Math.abs(series[at + dim * lag] - series[other + dim * lag]) < tolerance) long++;
    }
  }
  return Float64Array.of(short, long);
}

export function recurrences(series, dim, lag, radius, line) {
  const count = series.length - (dim - 1) * lag;
  let recurrent = 0, onLines = 0;
  for (let off = 1; off < count; off++) {
    let run = 0;
    for (let at = 0; at <= count - off; at++) {
      let place = at === count - off ? -1 : 0; // past the end nothing recurs: the last run is counted too
      while (place >= 0 && place < dim && Math.abs(series[at + place * lag] - series[at + off + place * lag]) <= radius) place++;
      if (place === dim) { run++; continue; }
      recurrent += run;
      if (run >= line) onLines += run;
      run = 0;
    }
  }
  return Float64Array.of((count * (count - 1)) / 2, recurrent, onLines);
}

export function rescaledRanges(series, sizes) {
  return Float64Array.from(sizes, (size) => {
    let total = 0, windows = 0;
    for (let start = 0; start + size <= series.length; start += size) {
      if (isFlat(series, start, size)) continue;
      const mean = meanOf(series, start, size);
      let height = 0, low = Infinity, high = -Infinity, squares = 0;
      for (let place = start; place < start + size; place++) {
        height += series[place] - mean;
        squares += (series[place] - mean) * (series[place] - mean);
        if (height < low) low = height;
        if (height > high) high = height;
      }
      const spread = Math.sqrt(squares / (size - 1));
      if (high === low || spread === 0) continue;
      total += (high - low) / spread;
      windows++;
    }
    return windows ? total / windows : NaN;
  });
}

export function fluctuations(series, sizes) {
  const mean = meanOf(series, 0, series.length);
  const profile = new Float64Array(series.length);
  let height = 0;
  for (let at = 0; at < series.length; at++) profile[at] = height += series[at] - mean;
  return Float64Array.from(sizes, (size) => {
    let total = 0, windows = 0;
    for (let start = 0; start < series.length - size; start += Math.floor(size / 2)) {
      total += aroundLine(profile, start, size) / size;
      windows++;
    }
    return Math.sqrt(total / windows);
  });
}

function squared(series, at, other, dim, lag) {
  let total = 0;
  for (let place = 0; place < dim; place++) {
    const apart = series[at + place * lag] - series[other + place * lag];
    total += apart * apart;
  }
  return total;
}

function isFlat(series, start, size) {
  for (let at = start + 1; at < start + size; at++) if (series[at] !== series[start]) return false;
  return true;
}

function meanOf(series, start, size) {
  let total = 0;
  for (let at = start; at < start + size; at++) total += series[at];
  return total / size;
}

function aroundLine(profile, start, size) {
  const mean = meanOf(profile, start, size);
  const middle = (size - 1) / 2;
  let across = 0, along = 0;
  for (let place = 0; place < size; place++) {
    across += (place - middle) * (profile[start + place] - mean);
    along += (place - middle) * (place - middle);
  }
  const slope = across / along;
  let total = 0;
  for (let place = 0; place < size; place++) {
    const rest = profile[start + place] - mean - slope * (place - middle);
    total += rest * rest;
  }
  return total;
}
