"use strict";
// The page is whole without this script; it adds the slider, the enlarged detail, and the cells of a selected point.

// Before and after.
const DETAIL = 64; // side of the enlarged detail in pixels of the picture
for (const figure of document.querySelectorAll(".picture")) {
  const box = figure.querySelector(".compare");
  const slider = box.querySelector("input");
  const [width, height] = ["width", "height"].map((side) => Number(box.querySelector("img").getAttribute(side)));
  const cutAt = (percent) => box.style.setProperty("--cut", (slider.value = percent) + "%");
  slider.addEventListener("input", () => cutAt(slider.value)); // by keyboard

  const show = (x, y) => {
    const side = Math.min(DETAIL, width, height);
    const left = Math.max(0, Math.min(width - side, Math.round(x - side / 2)));
    const top = Math.max(0, Math.min(height - side, Math.round(y - side / 2)));
    const percent = (part, whole) => (100 * part) / whole + "%";
    Object.assign(box.querySelector(".frame").style, {
      left: percent(left, width), top: percent(top, height), width: percent(side, width), height: percent(side, height),
    });
    for (const tile of figure.querySelectorAll("[data-of]")) {
      tile.style.backgroundImage = `url(${figure.querySelector("." + tile.dataset.of).src})`;
      tile.style.backgroundSize = `${percent(width, side)} ${percent(height, side)}`;
      tile.style.backgroundPosition = `${percent(left, width - side || 1)} ${percent(top, height - side || 1)}`;
    }
  };
  // A press near the line drags it, a click elsewhere moves the detail.
  let dragging = false;
  const place = (event) => {
    const bounds = box.getBoundingClientRect();
    return [(event.clientX - bounds.left) / bounds.width, (event.clientY - bounds.top) / bounds.height];
  };
  box.addEventListener("pointerdown", (event) => {
    dragging = Math.abs(place(event)[0] * 100 - slider.value) * box.clientWidth < 2400;
    if (dragging) box.setPointerCapture(event.pointerId);
    else show(place(event)[0] * width, place(event)[1] * height);
  });
  box.addEventListener("pointermove", (event) => dragging && cutAt(Math.max(0, Math.min(100, place(event)[0] * 100))));
  for (const end of ["pointerup", "pointercancel"]) box.addEventListener(end, () => (dragging = false));
  show(...figure.dataset.focus.split(" ").map(Number));
}
for (const tab of document.querySelectorAll("[data-picture]")) {
  tab.addEventListener("click", () => {
    document.querySelectorAll(".picture").forEach((figure, at) => (figure.hidden = at !== Number(tab.dataset.picture)));
    document.querySelectorAll("[data-picture]").forEach((other) => other.setAttribute("aria-pressed", other === tab));
  });
}

// The front: a tip over the point under the pointer, the cells of the selected one.
const section = document.getElementById("front");
if (section) {
  const { points, genotypes, words } = JSON.parse(document.getElementById("front-data").textContent);
  const area = section.querySelector(".area");
  const tip = section.querySelector(".tip");
  const selected = section.querySelector(".selected");

  const drawings = (async () => {
    const packed = Uint8Array.from(atob(document.getElementById("front-drawings").textContent), (c) => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    return (await new Response(stream).text()).split("\0");
  })();

  const round = (value, digits) => value.toLocaleString("en", { maximumFractionDigits: digits });
  const facts = (point) => {
    const names = { derive: "finalist", controller: "drawn by the controller", "controller-flat": "drawn by the controller", random: "drawn at random", evolution: "bred by evolution", enas: "drawn by ENAS", "nas-rl": "drawn by NAS-RL", ppo: "drawn by PPO", nsga2: "bred by NSGA-II", "local-search": "found by local search", darts: "drawn by DARTS", "optuna:tpe": "drawn by TPE" };
    const gain = point.gain === undefined ? "" : ` (${point.gain < 0 ? "−" : "+"}${Math.abs(point.gain).toFixed(3)} over bicubic)`;
    const parts = [`${point.psnr.toFixed(3)} dB${gain}`, `${round(point.macs / 1e9, 2)} G multiply-adds`];
    if (point.params !== undefined) parts.push(`${round(point.params, 0)} parameters`);
    if (point.latency_ms !== undefined) parts.push(`${round(point.latency_ms, 2)} ms`);
    if (point.reward !== undefined) parts.push(`reward ${round(point.reward, 4)}`);
    if (point.lam !== undefined) parts.push(`λ = ${round(point.lam, 3)}`);
    parts.push(point.mark === "chosen" ? "chosen" : names[point.source] ?? point.source);
    if (point.step !== undefined) parts.push(`round ${round(point.step, 0)}`);
    return parts.filter(Boolean);
  };
  const showTip = (button) => {
    const point = points[button.dataset.point];
    const [first, second, ...rest] = facts(point);
    const line = (tag, text) => Object.assign(document.createElement(tag), { textContent: text });
    tip.replaceChildren(
      line("b", `${first} · ${second}`), line("div", rest.join(" · ")),
      ...words[point.drawing].split(" | ").map((part) => line("div", part)),
    );
    tip.hidden = false;
    const [x, y] = [button.offsetLeft, button.offsetTop];
    const left = Math.max(-40, Math.min(x - tip.offsetWidth / 2, area.clientWidth - tip.offsetWidth));
    const above = y - tip.offsetHeight - 10;
    Object.assign(tip.style, { left: left + "px", top: (above < -60 ? y + 22 : above) + "px" });
  };
  let current;
  const select = async (button) => {
    section.querySelector(".point.on")?.classList.remove("on");
    button.classList.add("on");
    current = points[button.dataset.point];
    selected.querySelector(".facts").textContent = facts(current).join(" · ");
    // Made by this project from a checked genotype: names of operations and numbers, nothing a file could smuggle in.
    selected.querySelector(".drawing").innerHTML = (await drawings)[current.drawing];
  };
  area.addEventListener("pointerover", (event) => event.target.matches(".point") && showTip(event.target));
  area.addEventListener("pointerout", () => (tip.hidden = true));
  area.addEventListener("focusin", (event) => event.target.matches(".point:focus-visible") && showTip(event.target));
  area.addEventListener("focusout", () => (tip.hidden = true));
  area.addEventListener("click", (event) => event.target.matches(".point") && select(event.target));
  selected.querySelector(".copy").addEventListener("click", async (event) => {
    await navigator.clipboard.writeText(JSON.stringify(genotypes[current.drawing]));
    event.target.textContent = "Copied";
  });
  select(section.querySelector(`[data-point="${selected.dataset.first}"]`));
}
