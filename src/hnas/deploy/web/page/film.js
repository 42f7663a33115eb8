// Films through the browser's own codecs (WebCodecs); mediabunny reads and writes the files around them.

export const canFilm = () => "VideoDecoder" in globalThis && "VideoEncoder" in globalThis;

// Enlarges a film; sound is kept. Gives { blob, extension, frames }, or undefined where it was stopped.
export async function enlargeFilm(file, scale, enlargeFrame, { first, progress, stopped }) {
  const bunny = await import("./mediabunny/mediabunny.min.mjs");
  const input = new bunny.Input({ source: new bunny.BlobSource(file), formats: bunny.ALL_FORMATS });
  const track = await input.getPrimaryVideoTrack().catch(() => null);
  if (!track || !(await track.canDecode())) throw new Error(`${file.name}: not a film that this browser can play`);
  const small = new OffscreenCanvas(await track.getDisplayWidth(), await track.getDisplayHeight());
  const [width, height] = [small.width * scale, small.height * scale];
  const codec = await bunny.getFirstEncodableVideoCodec(["avc", "vp9", "vp8"], { width, height });
  if (!codec) throw new Error(`${file.name}: this browser cannot write a film of ${width}×${height} pixels`);
  const extension = codec === "avc" ? "mp4" : "webm";
  const format = codec === "avc" ? new bunny.Mp4OutputFormat() : new bunny.WebMOutputFormat();
  const output = new bunny.Output({ format, target: new bunny.BufferTarget() });
  const brush = small.getContext("2d", { willReadFrequently: true });
  const large = new OffscreenCanvas(width, height);
  let frames = 0;
  const conversion = await bunny.Conversion.init({
    input,
    output,
    video: {
      codec,
      bitrate: bunny.QUALITY_VERY_HIGH,
      forceTranscode: true,
      processedWidth: width,
      processedHeight: height,
      process: async (sample) => {
        if (stopped()) return null;
        sample.draw(brush, 0, 0, small.width, small.height);
        if (!frames) first(small);
        const image = await enlargeFrame(brush.getImageData(0, 0, small.width, small.height));
        if (!image) return null;
        large.getContext("2d").putImageData(image, 0, 0);
        frames += 1;
        return large;
      },
    },
  });
  if (!conversion.isValid) throw new Error(`${file.name}: this browser cannot turn it into .${extension}`);
  conversion.onProgress = (share) => {
    progress(share, frames);
    if (stopped()) conversion.cancel();
  };
  try {
    await conversion.execute();
  } catch (error) {
    if (stopped()) return undefined;
    throw error;
  }
  if (stopped()) return undefined;
  return { blob: new Blob([output.target.buffer], { type: `video/${extension}` }), extension, frames };
}
