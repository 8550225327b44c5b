using System.Diagnostics;
using System.Text.Json;
using LlmServe.Cli.App;
using LlmServe.Compiler.Cost;
using LlmServe.Compiler.Printing;
using LlmServe.Cpu;
using LlmServe.Execution;

namespace LlmServe.Cli.Commands;

/// <summary>A tick size with what it should take and what it took, in seconds.</summary>
/// <param name="Rows">Rows of the tick.</param>
/// <param name="Predicted">What the executor said before.</param>
/// <param name="Measured">The median tick.</param>
/// <param name="Fastest">The fastest tick: on a busy machine the one that nobody disturbed.</param>
internal sealed record BucketTime(int Rows, double Predicted, double Measured, double Fastest)
{
    /// <summary>Predicted ÷ measured.</summary>
    public double Ratio => Predicted / Measured;
}

/// <summary>Ticks run for comparison with their prediction.</summary>
/// <param name="Request">What was asked for.</param>
/// <param name="Main">The tick that is shown, medians of several runs.</param>
/// <param name="Buckets">Whole ticks of every size, medians too.</param>
internal sealed record TickMeasurement(CompileRequest Request, Timeline Main, IReadOnlyList<BucketTime> Buckets)
{
    private const int Ticks = 9;
    private const int WarmTicks = 3;
    private const int MostStreams = 64;

    /// <summary>Options with room for the ticks that are measured.</summary>
    public static CpuOptions OptionsFor(CpuOptions cpu, CompileRequest request)
    {
        int rows = Math.Max(cpu.MaxRowsPerTick, request.Rows);
        return cpu with
        {
            MaxRowsPerTick = rows,
            MaxSequences = request.Streams ? Math.Max(MostStreams, request.Rows) : 1,
            ContextLength = request.Start + (request.Streams ? 1 : rows),
        };
    }

    /// <summary>Fills the cache up to the asked position, then runs ticks.</summary>
    /// <exception cref="CliException">The cache is too small.</exception>
    public static TickMeasurement Run(IMeasuringExecutor executor, CompileRequest request, CancellationToken cancellation)
    {
        int perSlot = KvBlock.CountFor(request.Start + (request.Streams ? 1 : executor.Rows.Capacity));
        int slots = request.Streams ? Math.Min(executor.Rows.Slots, executor.Memory.KvGroups[0].Blocks / perSlot) : 1;
        if (executor.Memory.KvGroups[0].Blocks < perSlot || (request.Streams && slots < request.Rows) || request.Start + request.Rows > executor.Model.ContextLength + (request.Streams ? request.Rows : 0))
        {
            throw new CliException($"--rows {request.Rows} at position {request.Start} do not fit: the context is {executor.Model.ContextLength} and the cache holds "
                + $"{executor.Memory.KvGroups[0].Blocks * KvBlock.Positions} positions");
        }

        for (int slot = 0; slot < slots; slot++)
        {
            for (int i = 0; i < perSlot; i++)
            {
                executor.Rows.BlockTable(slot)[i] = (slot * perSlot) + i;
            }

            Fill(executor, slot, request.Start, cancellation);
        }

        executor.Costs.Measure();
        var buckets = new List<BucketTime>();
        foreach (int rows in executor.Compiled.Programs.Select(p => p.Rows).Where(rows => !request.Streams || rows <= slots))
        {
            cancellation.ThrowIfCancellationRequested();
            Prepare(executor, request, rows);
            var load = request.LoadOf(rows);
            double[] seconds = TimeTicks(executor);
            buckets.Add(new BucketTime(rows, executor.Costs.Seconds(load.Rows, load.Selected, load.Context), seconds[Ticks / 2], seconds[0]));
        }

        Prepare(executor, request, request.Rows);
        var main = Timeline.Median([.. Enumerable.Range(0, Ticks).Select(_ => MeasureTick(executor))]);
        return new TickMeasurement(request, main, buckets);
    }

    /// <summary>Prints predicted against measured: by kind of phase, in total, and for every tick size.</summary>
    public void Print(TextWriter output, CostModel cost, PrintOptions options)
    {
        output.WriteLine($"{options.Source} on {options.Target}; reads {Figures.Size(cost.Machine.ReadBandwidth)}/s, barrier {Figures.Time(cost.Machine.Barrier)}");
        output.WriteLine($"Tick of {Request.Rows} row{(Request.Rows == 1 ? "" : "s")} ({(Request.Streams ? "streams" : "prompt")}) at position {Request.Start}, median of {Ticks}:");
        Row(output, "phase", "count", "predicted", "measured", "ratio");
        double predicted = 0;
        foreach (var kind in Kinds(cost))
        {
            predicted += kind.Predicted;
            Row(output, kind.Name, $"{kind.Count}", Figures.Time(kind.Predicted), Figures.Time(kind.Measured), Figures.Number(kind.Predicted / kind.Measured));
        }

        predicted += cost.Machine.TickOverhead;
        Row(output, "tick", "", Figures.Time(predicted), Figures.Time(Main.Seconds), Figures.Number(predicted / Main.Seconds));
        output.WriteLine();
        output.WriteLine("Ticks of every size, without timestamps inside:");
        Row(output, "rows", "tokens/s", "predicted", "measured", "ratio", "fastest");
        foreach (var bucket in Buckets)
        {
            Row(output, $"{bucket.Rows}", Figures.Number(bucket.Rows / bucket.Measured, "0.0"), Figures.Time(bucket.Predicted), Figures.Time(bucket.Measured), Figures.Number(bucket.Ratio),
                Figures.Time(bucket.Fastest));
        }
    }

    /// <summary>Writes the same as properties of a JSON object; times in seconds.</summary>
    public void WriteTo(Utf8JsonWriter writer, CostModel cost)
    {
        writer.WriteStartObject("measurement");
        writer.WriteNumber("seconds", Main.Seconds);
        writer.WriteStartArray("kinds");
        foreach (var kind in Kinds(cost))
        {
            writer.WriteStartObject();
            writer.WriteString("kind", kind.Name);
            writer.WriteNumber("phases", kind.Count);
            writer.WriteNumber("predicted", kind.Predicted);
            writer.WriteNumber("measured", kind.Measured);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("ticks");
        foreach (var bucket in Buckets)
        {
            writer.WriteStartObject();
            writer.WriteNumber("rows", bucket.Rows);
            writer.WriteNumber("predicted", bucket.Predicted);
            writer.WriteNumber("measured", bucket.Measured);
            writer.WriteNumber("fastest", bucket.Fastest);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private IEnumerable<(string Name, int Count, double Predicted, double Measured)> Kinds(CostModel cost) => Main.Program.Phases
        .Select((phase, index) => (Kind: InstructionText.PhaseKind(Main.Program, phase), Predicted: cost.Phase(Main.Program, phase, Request.Load), Measured: Main.Phases[index].Seconds))
        .GroupBy(p => p.Kind)
        .Select(group => (group.Key, group.Count(), group.Sum(p => p.Predicted), group.Sum(p => p.Measured)));

    private static void Fill(IMeasuringExecutor executor, int slot, int positions, CancellationToken cancellation)
    {
        for (int start = 0; start < positions; start += executor.Rows.Capacity)
        {
            cancellation.ThrowIfCancellationRequested();
            executor.Rows.Clear();
            for (int position = start; position < Math.Min(positions, start + executor.Rows.Capacity); position++)
            {
                executor.Rows.Add(slot, position, TokenAt(executor, position), select: false);
            }

            executor.RunTick();
        }
    }

    private static void Prepare(IMeasuringExecutor executor, CompileRequest request, int rows)
    {
        executor.Rows.Clear();
        for (int row = 0; row < rows; row++)
        {
            int position = request.Streams ? request.Start : request.Start + row;
            executor.Rows.Add(request.Streams ? row : 0, position, TokenAt(executor, row + 1), request.Streams || row == rows - 1);
        }
    }

    /// <summary>Tokens that spread over the vocabulary. What they say has no influence on the time.</summary>
    private static int TokenAt(IMeasuringExecutor executor, int index) => (int)((index + 1) * 7919L % executor.Model.VocabularySize);

    /// <summary>One measured tick, after some that wake the lanes and spread them over the processors.</summary>
    private static Timeline MeasureTick(IMeasuringExecutor executor)
    {
        for (int i = 0; i < WarmTicks; i++)
        {
            executor.RunTick();
        }

        return executor.MeasureTick();
    }

    /// <summary>Seconds of a few ticks, ascending.</summary>
    private static double[] TimeTicks(IMeasuringExecutor executor)
    {
        executor.RunTick();
        double[] seconds = new double[Ticks];
        for (int i = 0; i < Ticks; i++)
        {
            long start = Stopwatch.GetTimestamp();
            executor.RunTick();
            seconds[i] = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        Array.Sort(seconds);
        return seconds;
    }

    private static void Row(TextWriter output, string name, params string[] cells) =>
        output.WriteLine($"  {name,-14}{string.Concat(cells.Select(cell => cell.PadLeft(13)))}");
}
