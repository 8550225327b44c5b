using System.Diagnostics;
using System.Runtime.InteropServices;
using LlmServe.Compiler.Cost;
using LlmServe.Compiler.Programs;
using LlmServe.Cpu.Execution;

namespace LlmServe.Cpu.Profile;

/// <summary>
/// Times matrix kernels on all lanes while their weights come from where a tick finds them. Stretches of a block of memory are handed out round and round, so
/// that a stretch comes up again only when as much else has been read as a tick reads.
/// </summary>
internal sealed unsafe class StreamProbe(LanePool lanes, KernelProbe parts, byte* memory, long bytes)
{
    private const long WindowBytes = 4 << 20;
    private const int MostSteps = 256;
    private const int Trials = 5;

    private readonly FastestTimes<KernelKey> _fastest = new();
    private long _next;

    /// <summary>
    /// Seconds per unit of work and row, of a lane, of the fastest run there was, those of earlier calls included; 0 where the memory is too small for the kernel.
    /// </summary>
    /// <param name="program">The instruction's program.</param>
    /// <param name="instruction">A matrix instruction; as many rows take part as its kernel is for at least.</param>
    public double Measure(StreamProgram program, Instruction instruction)
    {
        var stepsOfLanes = new Step[lanes.Lanes];
        double units = 0;
        for (int lane = 0; lane < lanes.Lanes; lane++)
        {
            stepsOfLanes[lane] = parts.Part(program, instruction, out units);
        }

        long stretch = BytesOf(stepsOfLanes[0].Weight) + (instruction.Weight2 < 0 ? 0 : BytesOf(stepsOfLanes[0].Weight2));
        if (stretch * lanes.Lanes > bytes)
        {
            return 0;
        }

        int rows = Math.Max(1, instruction.KernelFrom);
        int steps = (int)Math.Clamp(WindowBytes / lanes.Lanes / stretch, 1, MostSteps);
        parts.Tick->Rows = rows;
        parts.Tick->Selected = rows;
        double seconds = _fastest.With(KernelKey.Of(program, instruction), Fastest(stepsOfLanes, steps, instruction.Weight2 >= 0));
        return seconds / (steps * units * rows);
    }

    private double Fastest(Step[] stepsOfLanes, int steps, bool isPair)
    {
        var program = (Step**)NativeMemory.AllocZeroed((nuint)stepsOfLanes.Length, (nuint)sizeof(Step*));
        var matrices = (Matrix*)NativeMemory.AllocZeroed((nuint)(2 * steps * stepsOfLanes.Length), (nuint)sizeof(Matrix));
        for (int lane = 0; lane < stepsOfLanes.Length; lane++)
        {
            program[lane] = (Step*)NativeMemory.AllocZeroed((nuint)steps + 1, (nuint)sizeof(Step));
            program[lane][steps].Begin = -1;
        }

        long fastest = long.MaxValue;
        for (int trial = 0; trial < Trials; trial++)
        {
            HandOut(stepsOfLanes, program, matrices, steps, isPair);
            long start = Stopwatch.GetTimestamp();
            lanes.Run(program);
            fastest = Math.Min(fastest, Stopwatch.GetTimestamp() - start);
        }

        for (int lane = 0; lane < stepsOfLanes.Length; lane++)
        {
            NativeMemory.Free(program[lane]);
        }

        NativeMemory.Free(matrices);
        NativeMemory.Free(program);
        return (double)fastest / Stopwatch.Frequency;
    }

    /// <summary>Gives every step the next stretch of memory as its weights; a lane's stretches lie one behind the other.</summary>
    private void HandOut(Step[] stepsOfLanes, Step** program, Matrix* matrices, int steps, bool isPair)
    {
        for (int lane = 0; lane < stepsOfLanes.Length; lane++)
        {
            for (int i = 0; i < steps; i++)
            {
                ref var step = ref program[lane][i];
                step = stepsOfLanes[lane];
                step.Weight = Place(matrices++, *stepsOfLanes[lane].Weight);
                step.Weight2 = isPair ? Place(matrices++, *stepsOfLanes[lane].Weight2) : null;
            }
        }
    }

    private Matrix* Place(Matrix* target, in Matrix model)
    {
        long size = BytesOf(model);
        if (_next + size > bytes)
        {
            _next = 0;
        }

        *target = model;
        if (model.Packed == null)
        {
            target->Raw = memory + _next;
        }
        else
        {
            target->Packed = memory + _next;
        }

        _next += (size + 63) / 64 * 64;
        return target;
    }

    private static long BytesOf(Matrix* matrix) => BytesOf(*matrix);

    private static long BytesOf(in Matrix matrix) => matrix.Packed == null
        ? matrix.RawRowBytes * matrix.Rows
        : matrix.TileBytes * ((matrix.Rows + Kernels.KernelTable.TileRows - 1) / Kernels.KernelTable.TileRows);
}
