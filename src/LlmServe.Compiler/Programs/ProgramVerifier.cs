namespace LlmServe.Compiler.Programs;

/// <summary>
/// Checks a program without trusting the builder that made it: buffers that live at the same time do not share bytes; the columns and rows of every step are
/// done exactly once; every cache that is read is filled; nothing is touched in the phase in which another lane writes it; nothing is read before it was
/// written; what lanes share is completed before it is read.
/// </summary>
internal static class ProgramVerifier
{
    /// <summary>All violations found, as sentences; empty for a sound program.</summary>
    public static IReadOnlyList<string> Verify(StreamProgram program)
    {
        var errors = new List<string>();
        CheckMemory(program, errors);
        RaceCheck.Run(program, errors);
        CheckOrder(program, errors);
        CoverageCheck.Run(program, errors);
        CheckCompletions(program, errors);
        return errors;
    }

    private static void CheckMemory(StreamProgram program, List<string> errors)
    {
        var lives = Liveness.Compute(program);
        foreach (var place in (ReadOnlySpan<BufferPlace>)[BufferPlace.Arena, BufferPlace.Lane])
        {
            long size = place == BufferPlace.Arena ? program.Memory.Bytes : program.Memory.LaneBytes;
            var placed = program.Buffers.Where(b => b.Place == place && lives[b.Id].IsUsed).OrderBy(b => program.Memory.Offsets[b.Id]).ToArray();
            for (int i = 0; i < placed.Length; i++)
            {
                var a = placed[i];
                long start = program.Memory.Offsets[a.Id];
                if (start < 0 || start + a.Bytes > size)
                {
                    errors.Add($"buffer {a.Name} lies outside the arena ({start} + {a.Bytes} of {size} bytes)");
                }

                for (int j = i + 1; j < placed.Length && program.Memory.Offsets[placed[j].Id] < start + a.Bytes; j++)
                {
                    if (lives[a.Id].Overlaps(lives[placed[j].Id]) && placed[j].Bytes > 0)
                    {
                        errors.Add($"buffers {a.Name} and {placed[j].Name} are live together and share bytes");
                    }
                }
            }
        }
    }

    private static void CheckOrder(StreamProgram program, List<string> errors)
    {
        bool[] written = new bool[program.Buffers.Count];
        foreach (int buffer in program.CacheBuffers.Concat(program.Inputs.Select(i => i.Buffer)))
        {
            written[buffer] = true;
        }

        var accesses = new List<Access>();
        foreach (var phase in program.Phases)
        {
            var ahead = (bool[])written.Clone();
            foreach (var lane in phase.Lanes)
            {
                var own = (bool[])written.Clone();
                foreach (var instruction in lane)
                {
                    accesses.Clear();
                    instruction.Opcode.Touch(instruction, accesses);
                    foreach (var access in accesses)
                    {
                        if (!access.IsWrite && !own[access.Buffer])
                        {
                            errors.Add($"{phase.Name}: {program.Buffers[access.Buffer].Name} is read before it is written");
                        }

                        own[access.Buffer] |= access.IsWrite;
                        ahead[access.Buffer] |= access.IsWrite;
                    }
                }
            }

            written = ahead;
        }
    }

    /// <summary>What the cut between lanes divides is completed in a phase of its own, before the output is read.</summary>
    private static void CheckCompletions(StreamProgram program, List<string> errors)
    {
        if (program.Lanes == 1)
        {
            return;
        }

        var open = new Dictionary<int, (Opcode Needs, int Parts)>(); // by output
        var accesses = new List<Access>();
        foreach (var phase in program.Phases)
        {
            Instruction[] instructions = [.. phase.Lanes.SelectMany(lane => lane)];
            foreach (var instruction in instructions)
            {
                accesses.Clear();
                instruction.Opcode.Touch(instruction, accesses);
                foreach (var access in accesses.Where(a => !a.IsWrite && open.ContainsKey(a.Buffer)))
                {
                    errors.Add($"{phase.Name}: {program.Buffers[access.Buffer].Name} is not joined before it is read");
                }
            }

            foreach (var instruction in instructions)
            {
                if (open.TryGetValue(instruction.Output, out var needs) && instruction.Opcode == needs.Needs && instruction.Parts == needs.Parts)
                {
                    open.Remove(instruction.Output);
                }
            }

            foreach (var instruction in instructions.Where(i => i.Opcode.CompletedBy is not null))
            {
                open[instruction.Output] = (instruction.Opcode.CompletedBy!, instruction.Parts);
            }
        }

        foreach (int output in open.Keys)
        {
            errors.Add($"{program.Buffers[output].Name} is not joined before it is read");
        }
    }
}
