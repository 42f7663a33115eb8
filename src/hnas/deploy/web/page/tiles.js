// Cutting a picture into tiles whose joined results equal the picture run at once (see hnas/deploy/enlarge/tiling.py).

// Memory that a tile should not take more of; a browser's 32-bit WASM has 4 GiB in all.
const TILE_BYTES = 192 * 2 ** 20;
const SMALLEST = 16;
const LARGEST = 512;

// The side of a square tile, its own pixels, for a network.
export function tileSide({ radius, bytes_per_pixel: bytes }) {
  const side = Math.floor(Math.sqrt(TILE_BYTES / bytes)) - 2 * radius;
  return Math.max(SMALLEST, Math.min(LARGEST, side - (side % SMALLEST)));
}

// Tiles of about equal size, row by row: the pixels that each is responsible for, and the window that it reads.
export function* planTiles(height, width, side, margin) {
  for (const [top, bottom] of cuts(height, side))
    for (const [left, right] of cuts(width, side))
      yield {
        top, left, bottom, right,
        window: [
          Math.max(0, top - margin), Math.max(0, left - margin),
          Math.min(height, bottom + margin), Math.min(width, right + margin),
        ],
      };
}

function cuts(length, side) {
  const count = side ? Math.ceil(length / side) : 1;
  return Array.from({ length: count }, (_, index) => [
    Math.floor((length * index) / count), Math.floor((length * (index + 1)) / count),
  ]);
}
