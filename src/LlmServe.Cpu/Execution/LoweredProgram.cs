using System.Runtime.InteropServices;
using LlmServe.Compiler.Programs;
using LlmServe.Cpu.Kernels;
using LlmServe.Execution;

namespace LlmServe.Cpu.Execution;

/// <summary>A program with its kernels and pointers filled in: one array of steps per lane.</summary>
internal sealed unsafe class LoweredProgram : IDisposable
{
    /// <summary>Results of a panel that stay in scratch, in floats, for ticks of many rows.</summary>
    public const int PanelFloats = 256 * PanelRows;

    /// <summary>Matrix rows of a panel are a multiple of this: tiles of 16, pairs of tiles, and groups of six fit.</summary>
    public const int PanelRows = 96;

    private readonly Step** _lanes;
    private readonly StepResources _resources;

    /// <param name="program">The program.</param>
    /// <param name="kernels">Where kernels come from.</param>
    /// <param name="mode">How rows enter quantized matrices.</param>
    /// <param name="weights">The weights.</param>
    /// <param name="caches">Layouts of the caches, by id.</param>
    /// <param name="arena">The shared arena.</param>
    /// <param name="laneArenas">Each lane's own.</param>
    public LoweredProgram(
        StreamProgram program, KernelTable kernels, ActivationMode mode, WeightStore weights, IReadOnlyList<CacheLayout> caches, byte* arena, IReadOnlyList<nint> laneArenas)
    {
        Program = program;
        _resources = new StepResources(CachesOf(program, caches));
        _lanes = (Step**)NativeMemory.AllocZeroed((nuint)program.Lanes, (nuint)sizeof(Step*));
        Outputs = [.. program.Outputs.Select(port => View(program, port.Buffer, arena, (byte*)laneArenas[0]))];
        Inputs = [.. program.Inputs.Select(port => View(program, port.Buffer, arena, (byte*)laneArenas[0]))];
        for (int lane = 0; lane < program.Lanes; lane++)
        {
            byte* own = (byte*)laneArenas[lane];
            int count = program.Phases.Sum(p => p.Lanes[lane].Count + 1);
            var step = _lanes[lane] = (Step*)NativeMemory.AllocZeroed((nuint)count, (nuint)sizeof(Step));
            for (int p = 0; p < program.Phases.Count; p++)
            {
                foreach (var instruction in program.Phases[p].Lanes[lane])
                {
                    *step++ = Lower(program, instruction, kernels, mode, weight => (nint)weights[weight], buffer => View(program, buffer, arena, own), _resources);
                }

                // A barrier; the last one also ends the program.
                (step++)->Begin = p == program.Phases.Count - 1 ? -1 : 0;
            }
        }
    }

    /// <summary>Most rows of a tick.</summary>
    public int Rows => Program.Rows;

    public StreamProgram Program { get; }

    /// <summary>The rows of each output.</summary>
    public IReadOnlyList<ActivationView> Outputs { get; }

    /// <summary>The rows of each input.</summary>
    public IReadOnlyList<ActivationView> Inputs { get; }

    /// <summary>Steps by lane.</summary>
    public Step** Steps => _lanes;

    public void Dispose()
    {
        for (int lane = 0; lane < Program.Lanes; lane++)
        {
            NativeMemory.Free(_lanes[lane]);
        }

        NativeMemory.Free(_lanes);
        _resources.Dispose();
    }

    /// <summary>The layouts of a program's caches, by buffer.</summary>
    public static Dictionary<int, CacheLayout> CachesOf(StreamProgram program, IReadOnlyList<CacheLayout> caches) =>
        program.CacheBuffers.Select((buffer, id) => (buffer, id)).ToDictionary(c => c.buffer, c => caches[c.id]);

    /// <summary>An instruction with its kernels and operands.</summary>
    /// <param name="program">The instruction's program.</param>
    /// <param name="i">The instruction.</param>
    /// <param name="kernels">Where kernels come from.</param>
    /// <param name="mode">How rows enter quantized matrices.</param>
    /// <param name="weights">A weight's <see cref="Matrix"/>, as an address.</param>
    /// <param name="view">A buffer's rows; the default view for −1.</param>
    /// <param name="resources">What else it points to.</param>
    public static Step Lower(
        StreamProgram program, Instruction i, KernelTable kernels, ActivationMode mode, Func<int, nint> weights, Func<int, ActivationView> view, StepResources resources)
    {
        var step = new Step
        {
            Run = kernels.EntryOf(i.Opcode),
            Input = view(i.Input),
            Input2 = view(i.Input2),
            Input3 = view(i.Input3),
            Output = view(i.Output),
            Parts = view(i.Parts),
            Begin = i.Begin,
            End = i.End,
            FirstShare = i.FirstShare,
            EndShare = i.EndShare,
            Copies = i.Copies,
            Selected = i.Selected,
            Gathers = i.Gathers,
            Constant = i.Constant,
            PanelRows = PanelRowsFor(program, i.End - i.Begin),
            Weight = i.Weight < 0 ? null : (Matrix*)weights(i.Weight),
            Weight2 = i.Weight2 < 0 ? null : (Matrix*)weights(i.Weight2),
            Weight3 = i.Weight3 < 0 ? null : (Matrix*)weights(i.Weight3),
        };
        if (i.Opcode.IsMatrix)
        {
            step.Product = kernels.ProductOf(program.Weights[i.Weight].Type, mode, program.Rows);
            step.Product2 = i.Weight2 < 0 ? null : kernels.ProductOf(program.Weights[i.Weight2].Type, mode, program.Rows);
        }

        kernels.Bind(ref step, i, resources);
        return step;
    }

    private static ActivationView View(StreamProgram program, int buffer, byte* arena, byte* own)
    {
        if (buffer < 0 || program.Memory.Offsets[buffer] < 0)
        {
            return default;
        }

        var place = program.Buffers[buffer];
        byte* data = (place.Place == BufferPlace.Lane ? own : arena) + program.Memory.Offsets[buffer];
        return new ActivationView(data, new ActivationLayout(place.Forms, place.Columns));
    }

    /// <summary>As many rows as scratch holds, in multiples of <see cref="PanelRows"/>.</summary>
    private static int PanelRowsFor(StreamProgram program, int rows)
    {
        int fitting = Math.Max(PanelRows, PanelFloats / program.Rows / PanelRows * PanelRows);
        return Math.Min(fitting, (rows + PanelRows - 1) / PanelRows * PanelRows);
    }
}
