namespace LlmServe.Cli.Bench;

/// <summary>Prefill of one length, logits on the last row only.</summary>
/// <param name="Tokens">Length of the prompt.</param>
/// <param name="Predicted">Seconds that the cost model expects.</param>
internal sealed record PrefillResult(int Tokens, double Predicted)
{
    /// <summary>Tokens per second of each run.</summary>
    public Series Rates { get; } = new();

    /// <summary>Predicted time over measured time.</summary>
    public double PredictedOverMeasured => Predicted * Rates.Median / Tokens;
}

/// <summary>Decoding of one stream behind a context.</summary>
/// <param name="Context">Positions filled before.</param>
/// <param name="Predicted">Seconds of a tick that the cost model expects.</param>
internal sealed record DecodeResult(int Context, double Predicted)
{
    /// <summary>Tokens per second of each run.</summary>
    public Series Rates { get; } = new();

    /// <summary>Seconds of every tick of all runs.</summary>
    public Series Ticks { get; } = new();

    /// <summary>Predicted time over measured time.</summary>
    public double PredictedOverMeasured => Predicted / Ticks.Median;
}

/// <summary>Single ticks of one sequence that fill a row bucket, logits on the last row only.</summary>
/// <param name="Rows">Rows of the tick.</param>
/// <param name="Predicted">Seconds that the cost model expects.</param>
internal sealed record BucketResult(int Rows, double Predicted)
{
    /// <summary>Seconds of each tick.</summary>
    public Series Ticks { get; } = new();

    /// <summary>Predicted time over measured time.</summary>
    public double PredictedOverMeasured => Predicted / Ticks.Median;
}

/// <summary>Many sequences that decode together, one row each per tick.</summary>
/// <param name="Streams">Sequences.</param>
internal sealed record StreamsResult(int Streams)
{
    /// <summary>Tokens per second of all sequences together.</summary>
    public Series Rates { get; } = new();

    /// <summary>Tokens per second of a prefill that wants the logits of every row, as the streams do: their ceiling.</summary>
    public Series PromptRates { get; } = new();
}

/// <summary>What a model takes of memory, in bytes.</summary>
/// <param name="File">The model file.</param>
/// <param name="Kv">The whole KV budget, used or not.</param>
/// <param name="Resident">The process while the model is loaded, without the bandwidth measurement's own buffers.</param>
internal sealed record MemoryResult(long File, long Kv, long Resident);

/// <summary>How well a model predicts a text.</summary>
/// <param name="Tokens">Tokens predicted.</param>
/// <param name="Value">exp of the mean negative log-likelihood.</param>
internal sealed record PerplexityResult(int Tokens, double Value);

/// <summary>All that was measured of one model in one format and mode.</summary>
internal sealed record ModelResult
{
    /// <summary>Name of the model.</summary>
    public required string Model { get; init; }

    /// <summary>The file as asked for.</summary>
    public required string Path { get; init; }

    /// <summary>Formats of its matrices.</summary>
    public required string Format { get; init; }

    /// <summary>Whether the weights were re-encoded for this measurement.</summary>
    public required bool Reencoded { get; init; }

    /// <summary>What it ran on.</summary>
    public required string Backend { get; init; }

    /// <summary><c>int8</c> or <c>f32</c>.</summary>
    public required string Activations { get; init; }

    /// <summary><c>f16</c> or <c>f32</c>.</summary>
    public required string Kv { get; init; }

    /// <summary>Threads.</summary>
    public required int Lanes { get; init; }

    /// <summary>Opening, compiling and repacking, in seconds.</summary>
    public required double LoadSeconds { get; init; }

    /// <summary>Bytes and multiply-adds of the weights.</summary>
    public required WeightTraffic Weights { get; init; }

    /// <summary>Memory.</summary>
    public required MemoryResult Memory { get; init; }

    /// <summary>Bytes that a position takes in the KV cache.</summary>
    public required long KvBytesPerPosition { get; init; }

    /// <summary>Bytes per second that all threads together read from memory, once per run.</summary>
    public required Series Bandwidth { get; init; }

    /// <summary>By prompt length, ascending.</summary>
    public required IReadOnlyList<PrefillResult> Prefill { get; init; }

    /// <summary>By context, ascending.</summary>
    public required IReadOnlyList<DecodeResult> Decode { get; init; }

    /// <summary>By rows, ascending.</summary>
    public required IReadOnlyList<BucketResult> Buckets { get; init; }

    /// <summary>Many streams, if asked for.</summary>
    public required StreamsResult? Streams { get; init; }

    /// <summary>Managed bytes allocated during all measured decode ticks, by any thread.</summary>
    public required long AllocatedBytes { get; init; }

    /// <summary>Perplexity, if asked for.</summary>
    public PerplexityResult? Perplexity { get; init; }

    /// <summary>Weight bytes per second of decoding at <paramref name="decode"/>'s context.</summary>
    public double WeightRate(DecodeResult decode) => decode.Rates.Median * Weights.Bytes;

    /// <summary>Share of the read bandwidth that the weights take.</summary>
    public double Share(DecodeResult decode) => WeightRate(decode) / Bandwidth.Median;

    /// <summary>Multiply-adds with weights per second of a prefill; those of attention are not counted.</summary>
    public double PrefillMultiplyAdds(PrefillResult prefill) =>
        ((Weights.BodyMultiplyAdds * (double)prefill.Tokens) + Weights.OutputMultiplyAdds) * prefill.Rates.Median / prefill.Tokens;
}
