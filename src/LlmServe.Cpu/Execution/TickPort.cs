using LlmServe.Compiler.Programs;
using LlmServe.Execution;

namespace LlmServe.Cpu.Execution;

/// <summary>An input or output of the program that runs.</summary>
/// <param name="port">What it is.</param>
/// <param name="index">Its place among the program's outputs, or inputs.</param>
/// <param name="executor">Who runs the program.</param>
internal sealed class TickPort(ProgramPort port, int index, CpuExecutor executor) : ITickOutput, ITickInput
{
    public string Name => port.Name;

    public int Columns => port.Columns;

    public bool IsSelected => port.Selected;

    ReadOnlySpan<float> ITickOutput.Row(int row) => executor.OutputRow(index, row);

    Span<float> ITickInput.Row(int row) => executor.InputRow(index, row);
}
