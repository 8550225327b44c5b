// What the scripts of this folder share: running the two engines, and printing tables.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const here = dirname(fileURLToPath(import.meta.url));
export const root = resolve(here, "..", "..");

/** Ends the script with a message for a person, without a stack. */
export function fail(message, code = 1) {
  console.error(message);
  process.exit(code);
}

process.on("uncaughtException", (error) => fail(process.env.DEBUG ? error.stack : `error: ${error.message}`));

/** Runs a program and returns what it wrote to standard output; standard error passes through. Other exit codes than `accept` are errors. */
export function run(program, args, { accept = [0], ...options } = {}) {
  return new Promise((done, failed) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"], ...options });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (chunk) => (text += chunk));
    child.on("error", (error) => failed(new Error(`${program} cannot be started: ${error.message}`)));
    child.on("close", (code, signal) =>
      accept.includes(code) ? done(text) : failed(new Error(`${program} ${args.join(" ")} ended with ${signal ?? `code ${code}`}`)));
  });
}

/** The built program of a project, or a message that says how to build it. */
export function built(project, name) {
  const path = join(root, project, "bin", "Release", "net10.0", name);
  if (!existsSync(path)) {
    throw new Error(`${path} is missing: run "dotnet build -c Release ${project}" at the repository's root first`);
  }

  return path;
}

/** The program to measure. */
export const llmserve = () => process.env.LLMSERVE ?? built("src/LlmServe.Cli", "llmserve");

/** `llmserve bench --json` of one model. */
export async function bench(model, { threads, runs, generate, extra = [] }) {
  const args = ["bench", "--json", "--lanes", `${threads}`, "--runs", `${runs}`, "--generate", `${generate}`, ...(model ? ["--model", model] : []), ...extra];
  const report = JSON.parse(await run(llmserve(), args));
  return { machine: report.machine, result: report.results[0], results: report.results };
}

/** `llmserve loadtest --json` of one model, with a server in the same process. Failed requests end it with code 1; the report counts them. */
export async function loadTest({ model, threads, seed, extra = [] }) {
  const args = ["loadtest", "--json", "--model", model, "--lanes", `${threads}`, "--seed", `${seed}`, ...extra];
  return JSON.parse(await run(llmserve(), args, { accept: [0, 1] }));
}

/** The middle value; of an even number the mean of the middle two. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Mainline llama.cpp on one model, in a process of its own. */
export async function peer(model, { threads, runs, generate, prompts }) {
  try {
    import.meta.resolve("node-llama-cpp");
  } catch {
    throw new Error(`the npm package node-llama-cpp is missing: run "npm install" in ${here} first`);
  }

  const settings = JSON.stringify({ model, threads, prompts, generate, runs });
  return JSON.parse((await run(process.execPath, [join(here, "peer.mjs"), settings])).trim().split("\n").at(-1));
}

/** Command-line options: `kinds` says which take a value ("text", "number", "list") and which are switches ("switch"). */
export function readArguments(kinds, usage) {
  const values = {};
  const args = process.argv.slice(2);
  const stop = (message) => fail(`${message}\n${usage}`, 2);
  while (args.length > 0) {
    const argument = args.shift();
    const name = argument.replace(/^--/, "");
    const kind = argument.startsWith("--") && Object.hasOwn(kinds, name) ? kinds[name] : stop(`${argument} is not known`);
    if (kind === "switch") {
      values[name] = true;
      continue;
    }

    const text = args.shift() ?? stop(`--${name} needs a value`);
    if (kind === "number" && !/^[1-9]\d*$/.test(text)) {
      stop(`--${name}: found '${text}', allowed is a whole number of at least 1`);
    }

    values[name] = kind === "list" ? [...(values[name] ?? []), text] : kind === "number" ? Number(text) : text;
  }

  return values;
}

/** Threads when none are asked for. */
export const defaultThreads = availableParallelism();

/** A Markdown table; the first row holds the headings. */
export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => `${row[column]}`.length)));
  const line = (row) => `| ${row.map((cell, i) => `${cell}`.padEnd(widths[i])).join(" | ")} |`;
  return [line(rows[0]), `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...rows.slice(1).map(line)].join("\n");
}
