// What the page does: takes pictures, has them enlarged one by one, shows before and after, hands over the result.
import { canFilm, enlargeFilm } from "./film.js";
import { Network } from "./network.js";

const MAX_SIDE = 16384; // of a canvas
const MAX_PIXELS = 2 ** 28;
const BICUBIC = "high"; // what browsers call their best interpolation

const at = (id) => document.getElementById(id);
const asked = new URLSearchParams(location.search); // ?device=wasm or webgpu, ?threads=1
const network = new Network();
const pictures = [];
let models = [];
let shown = null;
let working = null;

say("Getting ready …");
begin().catch((error) => say(`This page does not work here: ${error.message}`, true));

async function begin() {
  if (await reloadForThreads()) return;
  models = await (await fetch("models.json")).json();
  at("model").replaceChildren(...models.map(({ name, scale }) => new Option(`${name} (×${scale})`, name)));
  const { device, threads } = await network.start(asked.get("device"), Number(asked.get("threads") ?? 4) || 1);
  Object.assign(document.body.dataset, { device, threads });
  await network.warm(chosen());
  document.body.dataset.ready = "";
  if (!pictures.length) say(`Ready: ${how()}.`);
  work();
}

// With its service worker a page may use several threads, from its second load on.
async function reloadForThreads() {
  if (crossOriginIsolated || !navigator.serviceWorker || sessionStorage.reloaded) return false;
  try {
    await navigator.serviceWorker.register("isolated.js");
    await navigator.serviceWorker.ready;
  } catch {
    return false; // one thread will do
  }
  sessionStorage.reloaded = "once";
  location.reload();
  return true;
}

const chosen = () => models.find(({ name }) => name === at("model").value);

function how() {
  const { device, threads } = document.body.dataset;
  return device === "webgpu" ? "WebGPU" : `WebAssembly, ${threads} thread${threads === "1" ? "" : "s"}`;
}

function say(text, wrong = false) {
  at("note").textContent = text;
  at("note").classList.toggle("wrong", wrong);
}

// ---- taking pictures ----

at("files").addEventListener("change", () => {
  take(at("files").files);
  at("files").value = "";
});
document.addEventListener("paste", (event) => take(event.clipboardData.files));
for (const name of ["dragover", "drop", "dragleave"])
  document.addEventListener(name, (event) => {
    event.preventDefault();
    at("drop").classList.toggle("over", name === "dragover");
    if (name === "drop") take(event.dataTransfer.files);
  });
at("model").addEventListener("change", () => {
  const last = shown;
  if (last && !last.film) take([last.file]);
});

function take(files) {
  for (const file of files) {
    const one = { file, model: chosen(), film: file.type.startsWith("video/"), state: "waiting" };
    one.entry = listed(one);
    pictures.push(one);
  }
  work();
}

// ---- the list ----

function listed(one) {
  const entry = document.createElement("li");
  const button = entry.appendChild(document.createElement("button"));
  button.type = "button";
  one.thumbnail = button.appendChild(document.createElement("canvas"));
  button.appendChild(document.createElement("span")).textContent = one.file.name;
  one.label = button.appendChild(document.createElement("span"));
  one.label.textContent = "waiting";
  button.title = one.file.name;
  button.addEventListener("click", () => one.state !== "waiting" && show(one));
  at("pictures").append(entry);
  return button;
}

function drawThumbnail(one, picture) {
  const width = 256;
  one.thumbnail.width = width;
  one.thumbnail.height = Math.max(1, Math.round((width * picture.height) / picture.width));
  one.thumbnail.getContext("2d").drawImage(picture, 0, 0, width, one.thumbnail.height);
}

// ---- the work, one after the other ----

async function work() {
  if (working || !("ready" in document.body.dataset)) return;
  working = pictures.find(({ state }) => state === "waiting");
  if (!working) return;
  const one = working;
  one.state = "working";
  one.model ??= chosen();
  at("progress").hidden = at("stop").hidden = false;
  at("progress").value = 0;
  try {
    await (one.film ? enlargeTheFilm(one) : enlargePicture(one));
  } catch (error) {
    one.state = "failed";
    one.note = error.message;
  }
  one.label.textContent = { done: `×${one.model.scale} ${one.model.name}`, failed: "not enlarged", stopped: "stopped" }[one.state];
  at("progress").hidden = at("stop").hidden = true;
  show(one);
  working = null;
  work();
}

at("stop").addEventListener("click", () => {
  if (!working) return;
  working.state = "stopped";
  network.stop();
});

function progress(one, share, words) {
  at("progress").value = share;
  one.label.textContent = `${Math.round(100 * share)} %`;
  say(`${one.file.name}: ${words}`);
}

async function enlargePicture(one) {
  const { scale, name } = one.model;
  let bitmap;
  try {
    bitmap = await createImageBitmap(one.file);
  } catch {
    throw new Error(`${one.file.name}: not a picture that this browser can read`);
  }
  const { width, height } = bitmap;
  refuseLarge(one, width * scale, height * scale);
  drawThumbnail(one, bitmap);
  one.before = canvasOf(bitmap, width * scale, height * scale);
  one.after = canvasOf(bitmap, width * scale, height * scale);
  one.text = `${width}×${height} → ${width * scale}×${height * scale} pixels by ${name}`;
  show(one);
  const upTo = (share) => progress(one, share, `${one.text}, ${Math.round(100 * share)} %`);
  upTo(0);
  const brush = one.after.getContext("2d");
  const done = await network.enlarge(one.model, pixelsOf(bitmap), {
    progress: upTo,
    tile: ({ tile, x, y, wide }) => brush.putImageData(new ImageData(tile, wide), x, y),
  });
  bitmap.close();
  if (!done) return void (one.note = `${one.file.name}: stopped`);
  brush.putImageData(done.image, 0, 0);
  const blob = await new Promise((resolve) => one.after.toBlob(resolve, "image/png"));
  if (!blob) throw new Error(`${one.file.name}: this browser has too little memory for the result`);
  one.milliseconds = done.milliseconds;
  hand(one, blob, "png", `${one.text} in ${(done.milliseconds / 1000).toFixed(1)} s (${how()})`);
}

async function enlargeTheFilm(one) {
  if (!canFilm()) throw new Error(`${one.file.name}: this browser has no WebCodecs, which films need; try a picture`);
  const { scale, name } = one.model;
  const began = performance.now();
  const done = await enlargeFilm(
    one.file, scale,
    async (image) => (await network.enlarge(one.model, image))?.image,
    {
      first: (frame) => drawThumbnail(one, frame),
      progress: (share, frames) => progress(one, share, `frame ${frames}, ${Math.round(100 * share)} %`),
      stopped: () => one.state === "stopped",
    },
  );
  if (!done) return void (one.note = `${one.file.name}: stopped`);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  hand(one, done.blob, done.extension, `${done.frames} frames ×${scale} by ${name} in ${seconds} s (${how()})`);
}

function refuseLarge(one, width, height) {
  if (Math.max(width, height) > MAX_SIDE || width * height > MAX_PIXELS)
    throw new Error(
      `${one.file.name}: would become ${width}×${height} pixels, and a browser holds ${MAX_SIDE} a side; hnas upscale takes it`,
    );
}

function hand(one, blob, extension, note) {
  one.state = "done";
  one.url = URL.createObjectURL(blob);
  one.name = `${one.file.name.replace(/\.[^.]*$/, "") || "picture"}-x${one.model.scale}.${extension}`;
  one.note = note;
}

function pixelsOf(bitmap) {
  const brush = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d", { willReadFrequently: true });
  brush.drawImage(bitmap, 0, 0);
  return brush.getImageData(0, 0, bitmap.width, bitmap.height);
}

function canvasOf(bitmap, width, height) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const brush = canvas.getContext("2d");
  brush.imageSmoothingQuality = BICUBIC;
  brush.drawImage(bitmap, 0, 0, width, height);
  return canvas;
}

// ---- showing ----

function show(one) {
  shown = one;
  for (const { entry } of pictures) entry.toggleAttribute("aria-current", false);
  one.entry.setAttribute("aria-current", "true");
  at("view").hidden = !one.before && !one.url;
  at("stage").hidden = !one.before;
  at("film").hidden = !(one.film && one.url);
  if (one.before) {
    swap("before", one.before);
    swap("after", one.after);
    cut();
  }
  if (one.film && one.url) at("film").src = one.url;
  at("download").hidden = !one.url;
  if (one.url) {
    Object.assign(at("download"), { href: one.url, download: one.name, textContent: `Download ${one.name}` });
  }
  if (one.note) say(one.note, one.state === "failed");
}

function swap(id, canvas) {
  if (at(id) === canvas) return;
  at(id).removeAttribute("id");
  canvas.id = id;
  canvas.toggleAttribute("aria-hidden", id === "before");
  at("stage").querySelectorAll("canvas")[id === "after" ? 0 : 1].replaceWith(canvas);
}

at("slider").addEventListener("input", cut);

function cut() {
  at("stage").style.setProperty("--cut", `${at("slider").value}%`);
}
