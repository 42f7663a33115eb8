// Runs a network over a picture, tile by tile, away from the page.
import { fillClear, isOpaque, opacityOf, putOpacity } from "./opacity.js";
import { planTiles, tileSide } from "./tiles.js";

let ort; // onnxruntime-web: for the graphics card where the browser has WebGPU, or else for the processor
let device;
let threads;
const sessions = new Map();
let stopped = 0; // pictures up to this number are not wanted any more

self.onmessage = async ({ data }) => {
  if (data.stop) return void (stopped = data.stop);
  try {
    await (data.start ? start(data.start) : enlarge(data));
  } catch (error) {
    self.postMessage({ id: data.id, error: String(error?.message ?? error) });
  }
};

async function start({ wanted, most }) {
  const adapter = wanted === "wasm" ? null : await navigator.gpu?.requestAdapter().catch(() => null);
  if (wanted === "webgpu" && !adapter) throw new Error("this browser has no WebGPU here");
  const slow = adapter?.info?.isFallbackAdapter; // a graphics card that the processor plays
  device = adapter && (!slow || wanted === "webgpu") ? "webgpu" : "wasm";
  ort = await import(`./onnxruntime-web/ort.${device}.min.mjs`);
  ort.env.wasm.wasmPaths = new URL("./onnxruntime-web/", import.meta.url).href;
  threads = self.crossOriginIsolated ? Math.max(1, Math.min(most, navigator.hardwareConcurrency)) : 1;
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = "error";
  self.postMessage({ ready: true, device, threads });
}

function session(model) {
  if (!sessions.has(model.file)) {
    const options = { executionProviders: [device], logSeverityLevel: 3 };
    const found = ort.InferenceSession.create(new URL(model.file, import.meta.url).href, options);
    found.catch(() => sessions.delete(model.file));
    sessions.set(model.file, found);
  }
  return sessions.get(model.file);
}

async function enlarge({ id, model, rgba, width, height, warm }) {
  const run = await session(model);
  if (warm) return void self.postMessage({ id, warm: true });
  const { scale } = model;
  const opaque = isOpaque(rgba);
  const began = performance.now();
  const share = (done) => self.postMessage({ id, progress: opaque ? done : done / 2 });
  const colours = opaque ? rgba : fillClear(rgba, width, height);
  const result = await runTiles(run, model, colours, width, height, id, share, opaque);
  if (result && !opaque) {
    const gray = await runTiles(run, model, opacityOf(rgba), width, height, id, (done) => share(1 + done), false);
    if (!gray) return self.postMessage({ id, stopped: true });
    putOpacity(result, gray, rgba, width, height, scale);
  }
  if (!result) return self.postMessage({ id, stopped: true });
  const milliseconds = performance.now() - began;
  self.postMessage({ id, result, width: width * scale, height: height * scale, milliseconds }, [result.buffer]);
}

async function runTiles(run, model, rgba, width, height, id, share, shown) {
  const { scale, radius } = model;
  const side = model.can_tile ? tileSide(model) : 0;
  const tiles = [...planTiles(height, width, side, radius)];
  const result = new Uint8ClampedArray(4 * width * height * scale * scale);
  for (const [index, tile] of tiles.entries()) {
    if (id <= stopped) return null;
    const [top, left, bottom, right] = tile.window;
    const input = new ort.Tensor("float32", planes(rgba, width, tile.window), [1, 3, bottom - top, right - left]);
    const { sr } = await run.run({ lr: input });
    const pixels = place(await sr.getData(), tile, result, width, scale);
    sr.dispose();
    // Lets a message that stops the work through.
    await new Promise((resume) => setTimeout(resume));
    if (shown && tiles.length > 1)
      self.postMessage({ id, tile: pixels, x: tile.left * scale, y: tile.top * scale, wide: (tile.right - tile.left) * scale });
    share((index + 1) / tiles.length);
  }
  return result;
}

// A window of a picture as floats in [0, 1], plane by plane.
function planes(rgba, width, [top, left, bottom, right]) {
  const size = (bottom - top) * (right - left);
  const values = new Float32Array(3 * size);
  let to = 0;
  for (let row = top; row < bottom; row++)
    for (let from = 4 * (row * width + left); from < 4 * (row * width + right); from += 4, to++) {
      values[to] = rgba[from] / 255;
      values[to + size] = rgba[from + 1] / 255;
      values[to + 2 * size] = rgba[from + 2] / 255;
    }
  return values;
}

// Writes a tile's own pixels to their place; gives them alone, too.
function place(values, tile, result, width, scale) {
  const [top, left, bottom, right] = tile.window;
  const wide = (right - left) * scale;
  const size = (bottom - top) * scale * wide;
  const own = new Uint8ClampedArray(4 * (tile.bottom - tile.top) * (tile.right - tile.left) * scale * scale);
  let to = 0;
  for (let row = tile.top * scale; row < tile.bottom * scale; row++) {
    let from = (row - top * scale) * wide + (tile.left - left) * scale;
    const began = to;
    for (let column = tile.left * scale; column < tile.right * scale; column++, from++, to += 4) {
      own[to] = values[from] * 255; // rounded and kept within 0 and 255 by the array
      own[to + 1] = values[from + size] * 255;
      own[to + 2] = values[from + 2 * size] * 255;
      own[to + 3] = 255;
    }
    result.set(own.subarray(began, to), 4 * (row * width * scale + tile.left * scale));
  }
  return own;
}
