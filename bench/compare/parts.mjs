// What targets.mjs measures, in parts that each take a few minutes. A part gives plain data; judge.mjs turns data into rows of the table.
import { join } from "node:path";
import { bench, built, llmserve, loadTest, median, peer, root, run } from "./tools.mjs";

/** Streams of the rows about many users. */
export const streams = 16;

/** Tokens of the long prompt, and streams that decode while it is read. */
export const longPrompt = { tokens: 1500, beside: 3 };

/** Every model that has targets, by the name in the table; `path` may write the file first. */
export const models = {
  "135M Q4_1": { group: "embedded", path: async () => join(root, "models", "smollm2-135m-instruct", "SmolLM2-135M-Instruct.Q4_1.gguf") },
  "1B Q4_0": { group: "1b", path: () => random("Q4_0") },
  "1B Q4_K": { group: "1b", path: () => random("Q4_K") },
  "1B Q8_0": { group: "1b", path: () => random("Q8_0") },
};

const random = async (format) =>
  (await run(built("bench/LlmServe.Models", "llmserve-models"), ["--shape", "1b", "--format", format])).trim();

/** Prefill and decode beside mainline llama.cpp, right after each other. */
async function measurePeer(path, plan) {
  const prompts = [128, 512];
  const { machine, result } = await bench(path, { ...plan, extra: ["--prompt", prompts.join(","), "--context", "0"] });
  return { machine, result, other: await peer(path, { ...plan, prompts }) };
}

/** Single ticks at several contexts and of every row bucket, memory and allocations. */
async function measureTicks(path, plan) {
  const { machine, result } = await bench(path, { ...plan, extra: ["--prompt", "32", "--context", "0,512,2048"] });
  return { machine, result };
}

/** Many sequences in one tick, below engine and server. */
async function measureStreams(path, plan) {
  const { machine, result } = await bench(path, { ...plan, extra: ["--prompt", "32", "--context", "0", "--streams", `${streams}`] });
  return { machine, result };
}

/** Both activation modes right after each other. */
async function measureModes(path, plan) {
  const { machine, results } = await bench(path, { ...plan, extra: ["--activations", "int8,f32", "--prompt", "32", "--context", "0"] });
  return { machine, results };
}

/** Many users through gRPC: a long prompt beside streams that decode, health meanwhile, and many streams against one. */
async function measureLoad(path, plan) {
  const long = [];
  const many = [];
  for (let seed = 0; seed < plan.runs; seed++) {
    const both = { ...plan, model: path, seed };
    long.push(await loadTest({
      ...both,
      extra: ["--streams", `${longPrompt.beside}`, "--requests", `${longPrompt.beside * 4}`, "--prompt-tokens", "16", "--output-tokens", "128",
        "--long-prompt", `${longPrompt.tokens}`, "--health"],
    }));
    many.push(await loadTest({
      ...both, extra: ["--streams", `${streams}`, "--requests", `${streams * 2}`, "--prompt-tokens", "16", "--output-tokens", "96", "--baseline", "--speculate", "off"],
    }));
  }

  return { long, many };
}

/** Seconds of a whole process that answers one token: more than the time to that token, never less. */
async function measureStart(path, plan) {
  const seconds = [];
  for (let i = 0; i <= plan.runs; i++) {
    const start = performance.now();
    await run(llmserve(), ["run", "Once upon a time", "--model", path, "--max-tokens", "1", "--lanes", `${plan.threads}`]);
    seconds.push((performance.now() - start) / 1000);
  }

  // The first fills caches.
  return { seconds: median(seconds.slice(1)), runs: seconds.slice(1) };
}

/** Every part: how it is measured, and of which models. */
export const parts = {
  peer: { measure: measurePeer, groups: ["embedded", "1b"] },
  ticks: { measure: measureTicks, groups: ["embedded", "1b"] },
  streams: { measure: measureStreams, groups: ["embedded", "1b"] },
  modes: { measure: measureModes, groups: ["embedded", "1b"] },
  load: { measure: measureLoad, groups: ["embedded"] },
  start: { measure: measureStart, groups: ["embedded"] },
};
