// The worker behind calls: one picture after the other.

export class Network {
  #worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  #waiting = new Map();
  #last = 0;

  // What runs the networks: "webgpu" or "wasm", and how many threads.
  start(wanted, most) {
    return new Promise((resolve, reject) => {
      this.#worker.onerror = (event) => reject(new Error(event.message || "the worker does not start"));
      this.#worker.onmessage = ({ data }) => {
        if (data.error) return reject(new Error(data.error));
        this.#worker.onmessage = (event) => this.#hear(event.data);
        resolve(data);
      };
      this.#worker.postMessage({ start: { wanted, most } });
    });
  }

  // Gets a network's file, so that the first picture does not wait for it.
  warm(model) {
    return this.#ask({ model, warm: true }, [], {});
  }

  // Enlarges an ImageData; undefined where it was stopped. `progress` is told the share done, `tile` each tile.
  enlarge(model, image, { progress = () => {}, tile = () => {} } = {}) {
    const { data: rgba, width, height } = image;
    return this.#ask({ model, rgba, width, height }, [rgba.buffer], { progress, tile });
  }

  // What was asked for is not wanted any more.
  stop() {
    this.#worker.postMessage({ stop: this.#last });
  }

  #ask(message, transfer, listeners) {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, ...listeners });
      this.#worker.postMessage({ id, ...message }, transfer);
    });
  }

  #hear({ id, ...said }) {
    const one = this.#waiting.get(id);
    if ("progress" in said) return one.progress(said.progress);
    if ("tile" in said) return one.tile(said);
    this.#waiting.delete(id);
    if ("error" in said) return one.reject(new Error(said.error));
    if ("result" in said)
      return one.resolve({
        image: new ImageData(said.result, said.width, said.height),
        milliseconds: said.milliseconds,
      });
    return one.resolve(undefined);
  }
}
