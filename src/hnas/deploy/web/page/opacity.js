// Opacity of enlarged pictures (see hnas/deploy/enlarge/opacity.py): RGBA arrays, 8 bits.

export function isOpaque(rgba) {
  for (let place = 3; place < rgba.length; place += 4) if (rgba[place] !== 255) return false;
  return true;
}

// A picture of the opacity alone, gray.
export function opacityOf(rgba) {
  const gray = new Uint8ClampedArray(rgba.length);
  for (let place = 0; place < rgba.length; place += 4) gray.fill(rgba[place + 3], place, place + 3);
  return gray;
}

// Fully clear pixels get the colour of a visible one near them in their row, or else of the row above or below: what
// they hide would else darken the edges.
export function fillClear(rgba, width, height) {
  const filled = new Uint8ClampedArray(rgba);
  const known = new Uint8Array(width * height);
  for (let pixel = 0; pixel < known.length; pixel++) known[pixel] = rgba[4 * pixel + 3] > 0;
  const copy = (from, to) => filled.copyWithin(4 * to, 4 * from, 4 * from + 3);
  for (let row = 0; row < height; row++) {
    const found = [];
    for (let column = 0; column < width; column++) if (known[row * width + column]) found.push(column);
    if (!found.length) continue;
    let next = 0;
    for (let column = 0; column < width; column++) {
      while (next + 1 < found.length && found[next + 1] - column < column - found[next]) next++;
      if (!known[row * width + column]) copy(row * width + found[next], row * width + column);
    }
    known.fill(1, row * width, (row + 1) * width);
  }
  const rows = [...Array(height).keys()];
  for (const order of [rows, rows.toReversed()])
    for (let index = 1; index < height; index++) {
      const [before, row] = [order[index - 1] * width, order[index] * width];
      if (known[row] || !known[before]) continue;
      filled.copyWithin(4 * row, 4 * before, 4 * (before + width));
      known.fill(1, row, row + width);
    }
  return filled;
}

// Puts an enlarged opacity into an enlarged picture, bounded by the 3x3 pixels that it comes from.
export function putOpacity(enlarged, gray, small, width, height, scale) {
  const wide = width * scale;
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++) {
      let [least, most] = [255, 0];
      for (let y = Math.max(0, row - 1); y <= Math.min(height - 1, row + 1); y++)
        for (let x = Math.max(0, column - 1); x <= Math.min(width - 1, column + 1); x++) {
          const value = small[4 * (y * width + x) + 3];
          if (value < least) least = value;
          if (value > most) most = value;
        }
      for (let y = row * scale; y < (row + 1) * scale; y++)
        for (let x = column * scale; x < (column + 1) * scale; x++) {
          const place = 4 * (y * wide + x);
          const mean = Math.round((gray[place] + gray[place + 1] + gray[place + 2]) / 3);
          enlarged[place + 3] = Math.min(most, Math.max(least, mean));
        }
    }
}
