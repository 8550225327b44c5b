// Rows of the table of targets: what, model, target, figure, whether it is met. One function per part of parts.mjs.
import { longPrompt, streams } from "./parts.mjs";
import { median } from "./tools.mjs";

/** What each model has to reach; of two figures the second is for processors with AVX-512 VNNI, which llama.cpp uses and .NET 10 cannot. */
const goals = {
  "135M Q4_1": { share: 0.7, prefill: [2.5, 2.5] },
  "1B Q4_0": { share: 0.85, prefill: [3.0, 1.8] },
  "1B Q4_K": { share: 0.85, prefill: [2.5, 1.8] },
  "1B Q8_0": { share: 0.9, prefill: [2.0, 1.5] },
};

const atLeast = (what, goal, value) => [what, `≥ ${goal}`, value.toFixed(2), value >= goal];
const atMost = (what, goal, value, unit = "", digits = 2) => [what, `≤ ${goal}${unit}`, `${value.toFixed(digits)}${unit}`, value <= goal];

const judges = {
  peer({ machine, result, other }, model) {
    const goal = goals[model];
    const peerHasVnni = /avx512_vnni|avx_vnni/.test(machine.features);
    return [
      atLeast("decode: share of the read bandwidth", goal.share, result.decode[0].bandwidth_share),
      atLeast("decode ÷ llama.cpp", 1.5, result.decode[0].tokens_per_second / other.decode.tokens_per_second),
      atLeast("prefill 512 ÷ llama.cpp", goal.prefill[peerHasVnni ? 1 : 0], result.prefill.at(-1).tokens_per_second / other.prefill.at(-1).tokens_per_second),
    ];
  },

  ticks({ result }, model, plan) {
    const [short, long] = [result.decode[0], result.decode.at(-1)];
    const bytes = (context) => result.weight_bytes_per_token + (context + plan.generate / 2) * result.kv_bytes_per_position;
    const slowdown = long.tick_p50_seconds / short.tick_p50_seconds;
    const predicted = [
      ...result.buckets.map((point) => [`${point.rows} rows`, point.predicted_over_measured]),
      ...result.decode.map((point) => [`1 row @${point.context}`, point.predicted_over_measured]),
    ];
    return [
      atMost(`decode at ${long.context}: slowdown ÷ what KV bytes explain`, 1.1, slowdown / (bytes(long.context) / bytes(short.context))),
      atMost("decode tick p99 ÷ p50", 1.1, short.tick_p99_seconds / short.tick_p50_seconds),
      ...predicted.map(([what, ratio]) => [`predicted ÷ measured, ${what}`, "0.9 … 1.1", ratio.toFixed(2), ratio >= 0.9 && ratio <= 1.1]),
      atMost("resident memory ÷ (1.15 × file + KV + 120 MB)", 1, result.resident_bytes / (1.15 * result.file_bytes + result.kv_budget_bytes + 120e6)),
      atMost("allocated in measured ticks", 0, result.allocated_bytes, " B", 0),
    ];
  },

  streams: ({ result }) => [
    atLeast(`${streams} streams ÷ prefill with all logits`, 0.75, result.streams.over_prompt),
    atLeast(`${streams} streams ÷ one stream`, 3.5, result.streams.over_one_stream),
  ],

  modes: ({ results }) => [
    atLeast("f32 mode ÷ int8 mode, decode", 0.6, results[1].decode[0].tokens_per_second / results[0].decode[0].tokens_per_second),
  ],

  load({ long, many }) {
    const worst = (values) => Math.max(...values) * 1e3;
    return [
      atMost(`longest gap of ${longPrompt.beside} streams while ${longPrompt.tokens} tokens are read`, 50,
        worst(long.map((run) => run.long_prompt.others_inter_token_seconds.max)), " ms", 1),
      atMost("longest health answer meanwhile", 50, worst(long.map((run) => run.health_seconds.max)), " ms", 1),
      atLeast("the long prompt's rate ÷ alone", 0.5, median(long.map((run) => run.long_prompt.share_of_alone))),
      atLeast(`${streams} streams ÷ one stream, through gRPC`, 3.5, median(many.map((run) => run.over_one_stream))),
      atMost("requests that failed", 0, [...long, ...many].reduce((sum, run) => sum + run.requests.failed, 0), "", 0),
    ];
  },

  start: ({ seconds }) => [atMost("process start to exit after one token", 1, seconds, " s")],
};

/** The rows of everything measured: `measured[model][part]`. */
export const judge = (measured, plan) => Object.entries(measured).flatMap(([model, parts]) =>
  Object.entries(parts).flatMap(([part, data]) => judges[part](data, model, plan).map(([what, ...rest]) => [what, model, ...rest])));
