// Runs `llmserve bench` and mainline llama.cpp on the same models, with the same threads, right after each other, and prints ratios.
// Usage: node compare.mjs [--model FILE]… [--threads N] [--runs N] [--generate N] [--json]
import { join } from "node:path";
import { bench, defaultThreads, peer, readArguments, root, table } from "./tools.mjs";

const options = readArguments(
  { model: "list", threads: "number", runs: "number", generate: "number", json: "switch" },
  "usage: node compare.mjs [--model FILE]... [--threads N] [--runs N] [--generate N] [--json]");
const plan = { threads: options.threads ?? defaultThreads, runs: options.runs ?? 5, generate: options.generate ?? 64, prompts: [128, 512] };
const models = options.model ?? [join(root, "models", "smollm2-135m-instruct", "SmolLM2-135M-Instruct.Q4_1.gguf")];

async function compare(model, plan) {
  const { machine, result } = await bench(model, { ...plan, extra: ["--prompt", plan.prompts.join(","), "--context", "0"] });
  const other = await peer(model, plan);
  const prefill = plan.prompts.map((tokens, i) => ({
    tokens,
    llmserve: result.prefill[i].tokens_per_second,
    llama_cpp: other.prefill[i].tokens_per_second,
    ratio: result.prefill[i].tokens_per_second / other.prefill[i].tokens_per_second,
  }));
  const [own, theirs] = [result.decode[0].tokens_per_second, other.decode.tokens_per_second];
  return {
    model: result.model, format: result.format, machine, backend: result.backend, prefill,
    decode: { llmserve: own, llama_cpp: theirs, ratio: own / theirs },
    peer: { release: other.release, system: other.system, threads: other.threads, busy_processors: other.busy_processors },
  };
}

const results = [];
for (const model of models) {
  results.push(await compare(model, plan));
}

if (options.json) {
  console.log(JSON.stringify(results, null, 2));
} else {
  const [{ machine, peer: other }] = results;
  console.log(`machine: ${machine.cpu}, ${machine.cores} cores, ${machine.features}, ${machine.runtime}`);
  console.log(`llama.cpp ${other.release} (${other.system.trim()}), ${other.threads} threads; medians of ${plan.runs} runs\n`);
  const cell = ({ llmserve, llama_cpp, ratio }) => [llmserve.toFixed(1), llama_cpp.toFixed(1), ratio.toFixed(2)];
  console.log(table([
    ["model", "format", ...plan.prompts.flatMap((n) => [`prefill ${n} t/s`, "llama.cpp", "ratio"]), "decode t/s", "llama.cpp", "ratio", "peer's busy processors"],
    ...results.map((result) => [
      result.model, result.format, ...result.prefill.flatMap(cell), ...cell(result.decode), result.peer.busy_processors.toFixed(2),
    ]),
  ]));
}
