using System.Text.Json;

namespace LlmServe.Cli.Bench;

/// <summary>What to measure.</summary>
/// <param name="Prompt">Tokens of the prompt.</param>
/// <param name="Generate">Tokens decoded after it, one per tick.</param>
/// <param name="Runs">How often; medians are reported.</param>
internal sealed record BenchPlan(int Prompt, int Generate, int Runs);

/// <summary>What was measured.</summary>
/// <param name="Model">Name of the model.</param>
/// <param name="Backend">What it ran on.</param>
/// <param name="Activations"><c>int8</c> or <c>f32</c>.</param>
/// <param name="Kv"><c>f16</c> or <c>f32</c>.</param>
/// <param name="Lanes">Threads of the bandwidth measurement, the same number as lanes.</param>
/// <param name="Plan">What was asked for.</param>
/// <param name="LoadSeconds">Opening, compiling and repacking.</param>
/// <param name="Prefill">Tokens per second of each run.</param>
/// <param name="Decode">Tokens per second of each run.</param>
/// <param name="WeightBytes">Bytes of weights that one decoded token reads, as the file stores them.</param>
/// <param name="BandwidthBytes">Bytes per second that all threads together read from memory.</param>
internal sealed record BenchResult(
    string Model, string Backend, string Activations, string Kv, int Lanes, BenchPlan Plan, double LoadSeconds,
    IReadOnlyList<double> Prefill, IReadOnlyList<double> Decode, long WeightBytes, double BandwidthBytes)
{
    /// <summary>Median prefill, tokens per second.</summary>
    public double PrefillMedian => Median(Prefill);

    /// <summary>Median decode, tokens per second.</summary>
    public double DecodeMedian => Median(Decode);

    /// <summary>Bytes of weights read per second while decoding.</summary>
    public double WeightBytesPerSecond => DecodeMedian * WeightBytes;

    /// <summary>Share of the read bandwidth that decoding uses.</summary>
    public double Share => WeightBytesPerSecond / BandwidthBytes;

    /// <summary>The middle value; of an even number the mean of the middle two.</summary>
    public static double Median(IReadOnlyList<double> values)
    {
        double[] sorted = [.. values.Order()];
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    /// <summary>Writes the properties of a JSON object; rates are per second.</summary>
    public void WriteTo(Utf8JsonWriter writer)
    {
        writer.WriteString("model", Model);
        writer.WriteString("backend", Backend);
        writer.WriteString("activations", Activations);
        writer.WriteString("kv", Kv);
        writer.WriteNumber("lanes", Lanes);
        writer.WriteNumber("prompt_tokens", Plan.Prompt);
        writer.WriteNumber("generated_tokens", Plan.Generate);
        writer.WriteNumber("load_seconds", Math.Round(LoadSeconds, 3));
        writer.WriteNumber("prefill_tokens_per_second", Math.Round(PrefillMedian, 2));
        writer.WriteNumber("decode_tokens_per_second", Math.Round(DecodeMedian, 2));
        WriteRuns(writer, "prefill_runs", Prefill);
        WriteRuns(writer, "decode_runs", Decode);
        writer.WriteNumber("weight_bytes_per_token", WeightBytes);
        writer.WriteNumber("weight_gigabytes_per_second", Math.Round(WeightBytesPerSecond / 1e9, 3));
        writer.WriteNumber("read_bandwidth_gigabytes_per_second", Math.Round(BandwidthBytes / 1e9, 3));
        writer.WriteNumber("bandwidth_share", Math.Round(Share, 4));
    }

    private static void WriteRuns(Utf8JsonWriter writer, string name, IReadOnlyList<double> values)
    {
        writer.WriteStartArray(name);
        foreach (double value in values)
        {
            writer.WriteNumberValue(Math.Round(value, 2));
        }

        writer.WriteEndArray();
    }
}
