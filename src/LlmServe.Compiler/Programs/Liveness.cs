namespace LlmServe.Compiler.Programs;

/// <summary>Computes lives from what instructions read and write.</summary>
internal static class Liveness
{
    /// <summary>Lives by buffer. Inputs live from the start, outputs to the end.</summary>
    public static Life[] Compute(StreamProgram program) => Compute(program.Buffers, program.Phases, program.Inputs, program.Outputs);

    /// <inheritdoc cref="Compute(StreamProgram)"/>
    public static Life[] Compute(
        IReadOnlyList<Buffer> buffers, IReadOnlyList<Phase> phases, IReadOnlyList<ProgramPort> inputs, IReadOnlyList<ProgramPort> outputs)
    {
        var lives = new Life[buffers.Count];
        Array.Fill(lives, new Life(int.MaxValue, -1));
        var accesses = new List<Access>();
        for (int p = 0; p < phases.Count; p++)
        {
            foreach (var lane in phases[p].Lanes)
            {
                foreach (var instruction in lane)
                {
                    accesses.Clear();
                    instruction.Opcode.Touch(instruction, accesses);
                    foreach (var access in accesses)
                    {
                        var life = lives[access.Buffer];
                        lives[access.Buffer] = new Life(Math.Min(life.First, p), Math.Max(life.Last, p));
                    }
                }
            }
        }

        foreach (var input in inputs)
        {
            lives[input.Buffer] = lives[input.Buffer] with { First = 0 };
        }

        foreach (var output in outputs)
        {
            lives[output.Buffer] = lives[output.Buffer] with { Last = phases.Count };
        }

        return lives;
    }
}
