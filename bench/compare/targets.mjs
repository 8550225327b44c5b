// Measures every speed target and prints a Markdown table of targets and figures. In one go, or in pieces that are merged afterwards:
//   node targets.mjs --models embedded --json embedded.json
//   node targets.mjs --models 1b --part peer --json peer.json
//   node targets.mjs --merge embedded.json --merge peer.json --json all.json
// Models: the embedded one, and random weights of a 1B model's shape in Q4_0, Q4_K and Q8_0, written to the user's cache folder at the first run.
import { readFileSync, writeFileSync } from "node:fs";
import { judge } from "./judge.mjs";
import { models, parts } from "./parts.mjs";
import { defaultThreads, fail, readArguments, table } from "./tools.mjs";

const usage = `usage: node targets.mjs [--models embedded|1b|all|NAME]… [--part ${Object.keys(parts).join("|")}]… [--runs N] [--threads N] [--merge FILE]… [--json FILE]
  NAME is one of ${Object.keys(models).map((name) => `"${name}"`).join(", ")}; with --merge and without --part nothing is measured`;
const options = readArguments({ models: "list", part: "list", runs: "number", threads: "number", merge: "list", json: "text" }, usage);

const stop = (message) => fail(`${message}\n${usage}`, 2);

const chosenModels = (options.models ?? ["all"]).flatMap((wanted) => {
  const found = Object.keys(models).filter((name) => wanted === "all" || name === wanted || models[name].group === wanted);
  return found.length > 0 ? found : stop(`--models: found '${wanted}'`);
});
const chosenParts = options.part ?? (options.merge ? [] : Object.keys(parts));
chosenParts.forEach((part) => Object.hasOwn(parts, part) || stop(`--part: found '${part}'`));

const plan = { threads: options.threads ?? defaultThreads, runs: options.runs ?? 5, generate: 64 };
const report = { plan, measured: {} };
const known = (model, part) => Object.hasOwn(models, model) && Object.hasOwn(parts, part);
const add = (model, part, data) => ((report.measured[model] ??= {})[part] = data);

for (const file of options.merge ?? []) {
  const earlier = read(file);
  if (earlier?.plan?.generate !== plan.generate || !earlier.measured) {
    stop(`--merge: ${file} does not hold results of this program`);
  }

  report.plan = { ...plan, ...earlier.plan };
  Object.entries(earlier.measured).forEach(([model, byPart]) => Object.entries(byPart).forEach(([part, data]) =>
    known(model, part) ? add(model, part, data) : stop(`--merge: ${file} has the part '${part}' of '${model}', which this program does not measure`)));
}

save(); // a file that cannot be written is known before anything has taken its time

for (const model of chosenModels) {
  for (const part of chosenParts.filter((name) => parts[name].groups.includes(models[model].group))) {
    console.error(`measuring ${model}: ${part}`);
    add(model, part, await parts[part].measure(await models[model].path(), plan));
    save(); // a later piece that fails does not cost the earlier ones
  }
}

function read(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    return stop(`--merge: ${file} cannot be read: ${error.message}`);
  }
}

function save() {
  if (options.json) {
    try {
      writeFileSync(options.json, JSON.stringify(report, null, 2));
    } catch (error) {
      fail(`--json: ${options.json} cannot be written: ${error.message}`);
    }
  }
}

const all = Object.values(report.measured).flatMap((byPart) => Object.values(byPart));
const machine = all.find((data) => data.machine)?.machine;
const other = all.find((data) => data.other)?.other;
if (machine) {
  console.log(`machine: ${machine.cpu}, ${machine.cores} cores, ${machine.features}, ${machine.runtime}, ${machine.system}`);
}

if (other) {
  console.log(`llama.cpp: ${other.release} (${other.system.trim()}), ${other.threads} threads, ${other.busy_processors.toFixed(2)} processors busy`);
}

console.log(`medians of ${report.plan.runs} runs, ${report.plan.threads} lanes; of gaps and health the longest of all runs\n`);
const speeds = Object.entries(report.measured).filter(([, byPart]) => byPart.peer);
if (speeds.length > 0) {
  console.log(table([
    ["model", "prefill 128 t/s", "prefill 512 t/s", "decode t/s", "GB/s", "read GB/s", "llama.cpp prefill 128", "prefill 512", "decode"],
    ...speeds.map(([name, { peer: { result, other: theirs } }]) => [
      name, ...result.prefill.map((point) => point.tokens_per_second.toFixed(1)), result.decode[0].tokens_per_second.toFixed(1),
      (result.decode[0].weight_bytes_per_second / 1e9).toFixed(1), (result.read_bandwidth / 1e9).toFixed(1),
      ...theirs.prefill.map((point) => point.tokens_per_second.toFixed(1)), theirs.decode.tokens_per_second.toFixed(1),
    ]),
  ]));
  console.log();
}

const rows = judge(report.measured, report.plan);
console.log(table([["measure", "model", "target", "measured", "met"], ...rows.map((row) => [...row.slice(0, 4), row[4] ? "yes" : "NO"])]));
console.log(`\n${rows.filter((row) => row[4]).length} of ${rows.length} met. Bit-identity over lanes, batches, chunkings and SIMD paths is what the tests check: dotnet test -c Release`);
