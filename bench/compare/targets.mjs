// Measures every speed target in one go and prints a table of targets and figures. Usage: node targets.mjs [--runs N] [--threads N] [--quick] [--json FILE]
// Models: the embedded one, and random weights of a 1B model's shape in Q4_0, Q4_K and Q8_0, written to the user's cache folder at the first run.
// Each model is measured by `llmserve bench` and then by mainline llama.cpp, right after each other. --quick takes the embedded model alone.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { bench, built, defaultThreads, peer, readArguments, root, run, table } from "./tools.mjs";

const options = readArguments(
  { runs: "number", threads: "number", quick: "switch", json: "text" },
  "usage: node targets.mjs [--runs N] [--threads N] [--quick] [--json FILE]");
const plan = { threads: options.threads ?? defaultThreads, runs: options.runs ?? 5, generate: 64, prompts: [128, 512] };
const embedded = join(root, "models", "smollm2-135m-instruct", "SmolLM2-135M-Instruct.Q4_1.gguf");
const streams = 16;

/** What each model has to reach; of two figures the second is for processors with AVX-512 VNNI, which llama.cpp uses and .NET 10 cannot. */
const goals = {
  "135M Q4_1": { share: 0.7, prefill: [2.5, 2.5] },
  "1B Q4_0": { share: 0.85, prefill: [3.0, 1.8] },
  "1B Q4_K": { share: 0.85, prefill: [2.5, 1.8] },
  "1B Q8_0": { share: 0.9, prefill: [2.0, 1.5] },
};

const random = async (format) =>
  (await run(built("bench/LlmServe.Models", "llmserve-models"), ["--shape", "1b", "--format", format])).trim();

async function measure(name, model) {
  console.error(`measuring ${name}`);
  const { machine, result } = await bench(model, {
    ...plan, extra: ["--prompt", "32,128,512", "--context", "0,512,2048", "--streams", `${streams}`],
  });
  const other = await peer(model, plan);
  const { results: modes } = await bench(model, { ...plan, extra: ["--activations", "int8,f32", "--prompt", "128", "--context", "0"] });
  return { name, machine, result, other, modes };
}

/** Seconds of a whole process that answers one token: more than the time to that token, never less. */
async function startUp() {
  const program = process.env.LLMSERVE ?? built("src/LlmServe.Cli", "llmserve");
  const seconds = [];
  for (let i = 0; i <= plan.runs; i++) {
    const start = performance.now();
    await run(program, ["run", "Once upon a time", "--model", embedded, "--max-tokens", "1", "--lanes", `${plan.threads}`]);
    seconds.push((performance.now() - start) / 1000);
  }

  return seconds.slice(1).sort((a, b) => a - b)[Math.floor(plan.runs / 2)];
}

/** Rows of the table: what, model, target, figure, whether it is met. */
function judge({ name, machine, result, other, modes }) {
  const rows = [];
  const atLeast = (what, goal, value) => rows.push([what, name, `≥ ${goal}`, value.toFixed(2), value >= goal]);
  const atMost = (what, goal, value, unit = "") => rows.push([what, name, `≤ ${goal}${unit}`, `${value.toFixed(2)}${unit}`, value <= goal]);
  const [short, , long] = result.decode;
  const goal = goals[name];
  const peerHasVnni = /avx512_vnni|avx_vnni/.test(machine.features);

  atLeast("decode: share of the read bandwidth", goal.share, short.bandwidth_share);
  atLeast("decode ÷ llama.cpp", 1.5, short.tokens_per_second / other.decode.tokens_per_second);
  atLeast("prefill 512 ÷ llama.cpp", goal.prefill[peerHasVnni ? 1 : 0], result.prefill.at(-1).tokens_per_second / other.prefill.at(-1).tokens_per_second);

  const bytes = (context) => result.weight_bytes_per_token + (context + plan.generate / 2) * result.kv_bytes_per_position;
  const slowdown = long.tick_p50_seconds / short.tick_p50_seconds;
  atMost("decode at 2048: slowdown ÷ what KV bytes explain", 1.1, slowdown / (bytes(long.context) / bytes(short.context)));
  atMost("decode tick p99 ÷ p50", 1.1, short.tick_p99_seconds / short.tick_p50_seconds);

  const predicted = [...result.buckets, ...result.decode].map((point) => point.predicted_over_measured);
  const [least, most] = [Math.min(...predicted), Math.max(...predicted)];
  rows.push(["predicted ÷ measured, all buckets", name, "0.9 … 1.1", `${least.toFixed(2)} … ${most.toFixed(2)}`, least >= 0.9 && most <= 1.1]);
  atLeast("f32 mode ÷ int8 mode, decode", 0.6, modes[1].decode[0].tokens_per_second / modes[0].decode[0].tokens_per_second);
  atLeast(`${streams} streams ÷ prefill with all logits`, 0.75, result.streams.over_prompt);
  atLeast(`${streams} streams ÷ one stream`, 3.5, result.streams.over_one_stream);

  const allowed = 1.15 * result.file_bytes + result.kv_budget_bytes + 120e6;
  atMost("resident memory ÷ (1.15 × file + KV + 120 MB)", 1, result.resident_bytes / allowed);
  atMost("allocated in measured ticks", 0, result.allocated_bytes, " B");
  return rows;
}

const models = [["135M Q4_1", embedded]];
if (!options.quick) {
  for (const format of ["Q4_0", "Q4_K", "Q8_0"]) {
    models.push([`1B ${format}`, await random(format)]);
  }
}

const measured = [];
for (const [name, model] of models) {
  measured.push(await measure(name, model));
}

const start = await startUp();
const [{ machine, other }] = measured;
console.log(`machine: ${machine.cpu}, ${machine.cores} cores, ${machine.features}, ${machine.runtime}, ${machine.system}`);
console.log(`llama.cpp: ${other.release} (${other.system.trim()}), ${other.threads} threads, ${other.busy_processors.toFixed(2)} processors busy`);
console.log(`medians of ${plan.runs} runs, ${plan.threads} lanes\n`);
console.log(table([
  ["model", "prefill 128", "prefill 512", "decode", "GB/s", "read GB/s", "llama.cpp prefill 128", "prefill 512", "decode"],
  ...measured.map(({ name, result, other: peerResult }) => [
    name, ...[1, 2].map((i) => result.prefill[i].tokens_per_second.toFixed(1)), result.decode[0].tokens_per_second.toFixed(1),
    (result.decode[0].weight_bytes_per_second / 1e9).toFixed(1), (result.read_bandwidth / 1e9).toFixed(1),
    ...peerResult.prefill.map((point) => point.tokens_per_second.toFixed(1)), peerResult.decode.tokens_per_second.toFixed(1),
  ]),
]));
console.log();
const rows = measured.flatMap(judge);
rows.push(["process start to exit after one token", "135M Q4_1", "≤ 1.0 s", `${start.toFixed(2)} s`, start <= 1]);
console.log(table([["measure", "model", "target", "measured", "met"], ...rows.map((row) => [...row.slice(0, 4), row[4] ? "yes" : "NO"])]));
console.log("\nBit-identity over lanes, batches, chunkings and SIMD paths is what the tests check: dotnet test -c Release");
if (options.json) {
  writeFileSync(options.json, JSON.stringify({ plan, start_seconds: start, measured }, null, 2));
}
