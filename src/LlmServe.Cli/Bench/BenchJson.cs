using System.Text.Json;
using LlmServe.Cli.Json;

namespace LlmServe.Cli.Bench;

/// <summary>The report as JSON: plain numbers in base units (bytes, seconds, per second), rounded to six significant digits; what was not measured is absent.</summary>
internal static class BenchJson
{
    /// <summary>Writes the properties of the report.</summary>
    public static void Write(Utf8JsonWriter writer, BenchReport report)
    {
        writer.WriteStartObject("machine");
        writer.WriteString("cpu", report.Machine.Cpu);
        writer.WriteNumber("cores", report.Machine.Cores);
        writer.WriteString("features", report.Machine.Features);
        writer.WriteString("runtime", report.Machine.Runtime);
        writer.WriteString("system", report.Machine.System);
        writer.WriteEndObject();
        writer.WriteNumber("runs", report.Plan.Runs);
        writer.WriteNumber("generated_tokens", report.Plan.Generate);
        writer.WriteStartObject("noise");
        writer.WriteFigure("other_programs_share", report.Noise.Others);
        writer.WriteFigure("spread_of_rounds", report.Noise.Spread);
        writer.WriteBoolean("busy", report.Noise.IsBusy);
        writer.WriteEndObject();
        WriteArray(writer, "results", report.Results, Write);
    }

    private static void Write(Utf8JsonWriter writer, ModelResult result)
    {
        writer.WriteString("model", result.Model);
        writer.WriteString("path", result.Path);
        writer.WriteString("format", result.Format);
        writer.WriteBoolean("reencoded", result.Reencoded);
        writer.WriteString("backend", result.Backend);
        writer.WriteString("activations", result.Activations);
        writer.WriteString("kv", result.Kv);
        writer.WriteNumber("lanes", result.Lanes);
        writer.WriteFigure("load_seconds", result.LoadSeconds);
        writer.WriteNumber("file_bytes", result.Memory.File);
        writer.WriteNumber("kv_budget_bytes", result.Memory.Kv);
        writer.WriteNumber("resident_bytes", result.Memory.Resident);
        writer.WriteNumber("kv_bytes_per_position", result.KvBytesPerPosition);
        writer.WriteNumber("weight_bytes_per_token", result.Weights.Bytes);
        writer.WriteFigure("read_bandwidth", result.Bandwidth.Median);
        Values(writer, "read_bandwidth_runs", result.Bandwidth);
        writer.WriteNumber("allocated_bytes", result.AllocatedBytes);
        WriteArray(writer, "prefill", result.Prefill, (inner, point) => Write(inner, result, point));
        WriteArray(writer, "decode", result.Decode, (inner, point) => Write(inner, result, point));
        WriteArray(writer, "buckets", result.Buckets, Write);
        if (result.Streams is { } streams)
        {
            Write(writer, result, streams);
        }

        if (result.Perplexity is { } perplexity)
        {
            writer.WriteStartObject("perplexity");
            writer.WriteNumber("tokens", perplexity.Tokens);
            writer.WriteFigure("value", perplexity.Value);
            writer.WriteEndObject();
        }
    }

    private static void Write(Utf8JsonWriter writer, ModelResult result, PrefillResult point)
    {
        writer.WriteNumber("tokens", point.Tokens);
        writer.WriteFigure("tokens_per_second", point.Rates.Median);
        Values(writer, "runs", point.Rates);
        writer.WriteFigure("multiply_adds_per_second", result.PrefillMultiplyAdds(point));
        writer.WriteFigure("predicted_over_measured", point.PredictedOverMeasured);
    }

    private static void Write(Utf8JsonWriter writer, ModelResult result, DecodeResult point)
    {
        writer.WriteNumber("context", point.Context);
        writer.WriteFigure("tokens_per_second", point.Rates.Median);
        Values(writer, "runs", point.Rates);
        writer.WriteFigure("weight_bytes_per_second", result.WeightRate(point));
        writer.WriteFigure("bandwidth_share", result.Share(point));
        writer.WriteFigure("tick_p50_seconds", point.Ticks.Quantile(0.5));
        writer.WriteFigure("tick_p99_seconds", point.Ticks.Quantile(0.99));
        writer.WriteFigure("predicted_over_measured", point.PredictedOverMeasured);
    }

    private static void Write(Utf8JsonWriter writer, BucketResult point)
    {
        writer.WriteNumber("rows", point.Rows);
        writer.WriteFigure("tick_seconds", point.Ticks.Median);
        writer.WriteFigure("predicted_over_measured", point.PredictedOverMeasured);
    }

    private static void Write(Utf8JsonWriter writer, ModelResult result, StreamsResult streams)
    {
        writer.WriteStartObject("streams");
        writer.WriteNumber("streams", streams.Streams);
        writer.WriteFigure("tokens_per_second", streams.Rates.Median);
        Values(writer, "runs", streams.Rates);
        writer.WriteFigure("prompt_with_all_logits_tokens_per_second", streams.PromptRates.Median);
        writer.WriteFigure("over_prompt", streams.Rates.Median / streams.PromptRates.Median);
        if (result.Decode.Count > 0)
        {
            writer.WriteFigure("over_one_stream", streams.Rates.Median / result.Decode[0].Rates.Median);
        }

        writer.WriteEndObject();
    }

    private static void WriteArray<T>(Utf8JsonWriter writer, string name, IEnumerable<T> items, Action<Utf8JsonWriter, T> properties)
    {
        writer.WriteStartArray(name);
        foreach (var item in items)
        {
            writer.WriteStartObject();
            properties(writer, item);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void Values(Utf8JsonWriter writer, string name, Series series)
    {
        writer.WriteStartArray(name);
        foreach (double value in series.Values)
        {
            writer.WriteNumberValue(JsonFigures.Rounded(value));
        }

        writer.WriteEndArray();
    }
}
