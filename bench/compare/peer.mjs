// Measures one model with mainline llama.cpp and prints one JSON object. A process of its own for each model: nothing of another one's memory,
// threads or caches is left. Usage: node peer.mjs '{"model": "FILE", "threads": 2, "prompts": [128, 512], "generate": 64, "runs": 5}'
//
// Batches are given to the binding directly, below its sampling and its token bookkeeping: like `llmserve bench`, this times evaluation alone, with
// the logits of a prompt's last token and of every decoded token.
import { getLlama } from "node-llama-cpp";

const { model: modelPath, threads, prompts, generate, runs } = JSON.parse(process.argv[2]);
const batchSize = 512;
const sequence = 0;
const longest = Math.max(generate, ...prompts);

const llama = await getLlama({ gpu: false, build: "never", skipDownload: true, logLevel: "error", maxThreads: threads });
const model = await llama.loadModel({ modelPath, gpuLayers: 0 });
const context = await model.createContext({ contextSize: Math.max(longest, batchSize), batchSize, threads, sequences: 1 });
const native = context._ctx;
native.setThreads(threads);
if (native.getThreads() !== threads) {
  throw new Error(`llama.cpp uses ${native.getThreads()} threads; ${threads} were asked for`);
}

const vocabulary = model.fileInfo.metadata.tokenizer.ggml.tokens.length;
const idAt = (position) => ((position + 1) * 7919) % vocabulary;

async function evaluate(first, count, wantsLogits) {
  const ids = Uint32Array.from({ length: count }, (_, i) => idAt(first + i));
  native.initBatch(count);
  native.addToBatch(sequence, first, ids, wantsLogits ? Uint32Array.of(count - 1) : new Uint32Array());
  await native.decodeBatch();
}

// Milliseconds of a piece of work, and how many processors it kept busy.
async function timed(work) {
  native.disposeSequence(sequence);
  const cpu = process.cpuUsage();
  const start = performance.now();
  await work();
  const elapsed = performance.now() - start;
  const used = process.cpuUsage(cpu);
  return { elapsed, busy: (used.user + used.system) / 1000 / elapsed };
}

const prefill = () => prompts.map((tokens) => async () => {
  for (let first = 0; first < tokens; first += batchSize) {
    const count = Math.min(batchSize, tokens - first);
    await evaluate(first, count, first + count === tokens);
  }
});

async function decode() {
  for (let position = 0; position < generate; position++) {
    await evaluate(position, 1, true);
  }
}

const rates = prompts.map(() => []);
const decodeRates = [];
const busy = [];
for (let round = 0; round <= runs; round++) {
  const keep = round > 0; // the first warms up
  for (const [i, work] of prefill().entries()) {
    const result = await timed(work);
    if (keep) {
      rates[i].push((prompts[i] * 1000) / result.elapsed);
      busy.push(result.busy);
    }
  }

  const result = await timed(decode);
  if (keep) {
    decodeRates.push((generate * 1000) / result.elapsed);
    busy.push(result.busy);
  }
}

const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

console.log(JSON.stringify({
  release: `${llama.llamaCppRelease.repo} ${llama.llamaCppRelease.release}`,
  system: llama.systemInfo,
  threads: native.getThreads(),
  busy_processors: median(busy),
  prefill: prompts.map((tokens, i) => ({ tokens, tokens_per_second: median(rates[i]), runs: rates[i] })),
  decode: { tokens_per_second: median(decodeRates), runs: decodeRates },
}));
process.exit(0);
