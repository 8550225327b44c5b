using System.Runtime.InteropServices;
using LlmServe.Compiler.Programs;
using LlmServe.Cpu.Kernels;
using LlmServe.Execution;

namespace LlmServe.Cpu.Execution;

/// <summary>A program with its kernels and pointers filled in: one array of steps per lane.</summary>
internal sealed unsafe class LoweredProgram : IDisposable
{
    /// <summary>Results of a panel that stay in scratch, in floats, for ticks of many rows.</summary>
    public const int PanelFloats = 256 * 96;

    private readonly StreamProgram _program;
    private readonly Step** _lanes;

    public LoweredProgram(StreamProgram program, KernelTable kernels, ActivationMode mode, WeightStore weights, byte* arena)
    {
        _program = program;
        _lanes = (Step**)NativeMemory.AllocZeroed((nuint)program.Lanes, (nuint)sizeof(Step*));
        var views = program.Buffers.Select(b => (b.Forms, b.Columns, Offset: program.Memory.Offsets[b.Id])).ToArray();
        ActivationView View(int buffer) => buffer < 0 || views[buffer].Offset < 0
            ? default
            : new ActivationView(arena + views[buffer].Offset, new ActivationLayout(views[buffer].Forms, views[buffer].Columns));

        Logits = View(program.LogitsBuffer);
        for (int lane = 0; lane < program.Lanes; lane++)
        {
            int count = program.Phases.Sum(p => p.Lanes[lane].Count + 1);
            var step = _lanes[lane] = (Step*)NativeMemory.AllocZeroed((nuint)count, (nuint)sizeof(Step));
            for (int p = 0; p < program.Phases.Count; p++)
            {
                foreach (var instruction in program.Phases[p].Lanes[lane])
                {
                    *step++ = Lower(program, instruction, kernels, mode, weight => (nint)weights[weight], View);
                }

                // A barrier; the last one also ends the program.
                (step++)->Begin = p == program.Phases.Count - 1 ? -1 : 0;
            }
        }
    }

    /// <summary>Most rows of a tick.</summary>
    public int Rows => _program.Rows;

    public StreamProgram Program => _program;

    /// <summary>Logits of the selected rows.</summary>
    public ActivationView Logits { get; }

    /// <summary>Steps by lane.</summary>
    public Step** Steps => _lanes;

    public void Dispose()
    {
        for (int lane = 0; lane < _program.Lanes; lane++)
        {
            NativeMemory.Free(_lanes[lane]);
        }

        NativeMemory.Free(_lanes);
    }

    /// <summary>An instruction with its kernels and operands.</summary>
    /// <param name="program">The instruction's program.</param>
    /// <param name="i">The instruction.</param>
    /// <param name="kernels">Where kernels come from.</param>
    /// <param name="mode">How rows enter quantized matrices.</param>
    /// <param name="weights">A weight's <see cref="Matrix"/>, as an address.</param>
    /// <param name="view">A buffer's rows; the default view for −1.</param>
    public static Step Lower(
        StreamProgram program, Instruction i, KernelTable kernels, ActivationMode mode, Func<int, nint> weights, Func<int, ActivationView> view)
    {
        var step = new Step
        {
            Run = kernels.EntryOf(i.Opcode),
            Input = view(i.Input),
            Output = view(i.Output),
            Rope = view(program.RopeBuffer),
            Parts = view(i.Parts),
            Layer = i.Layer,
            Begin = i.Begin,
            End = i.End,
            Selected = i.Selected,
            Constant = i.Constant,
            PanelRows = PanelRowsFor(program, i.End - i.Begin),
        };
        if (i.Weight >= 0)
        {
            step.Weight = (Matrix*)weights(i.Weight);
        }

        if (i.Opcode is Opcode.MatMul or Opcode.MatMulAdd or Opcode.GatedMatMul)
        {
            step.Product = kernels.ProductOf(program.Weights[i.Weight].Type, mode, program.Rows);
        }

        if (i.Weight2 >= 0)
        {
            step.Weight2 = (Matrix*)weights(i.Weight2);
            step.Product2 = kernels.ProductOf(program.Weights[i.Weight2].Type, mode, program.Rows);
        }

        return step;
    }

    /// <summary>As many rows as scratch holds, in multiples of 96 (tiles of 16, pairs of tiles, and groups of six fit).</summary>
    private static int PanelRowsFor(StreamProgram program, int rows)
    {
        int fitting = Math.Max(96, PanelFloats / program.Rows / 96 * 96);
        return Math.Min(fitting, (rows + 95) / 96 * 96);
    }
}
