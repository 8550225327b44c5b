using LlmServe.Compiler.Graph;

namespace LlmServe.Compiler.Programs;

/// <summary>
/// Checks a program without trusting the scheduler that made it: buffers that live at the same time do not share bytes; every column of every
/// matrix output is computed, rotated and stored in the cache exactly once; nothing is read in the phase in which another lane writes it, and nothing is read before it was written;
/// attention that lanes share is joined before it is read.
/// </summary>
public static class ProgramVerifier
{
    /// <summary>All violations found, as sentences; empty for a sound program.</summary>
    public static IReadOnlyList<string> Verify(StreamProgram program)
    {
        var errors = new List<string>();
        CheckMemory(program, errors);
        CheckRaces(program, errors);
        CheckOrder(program, errors);
        CheckCoverage(program, errors);
        CheckColumns(program, errors);
        CheckJoins(program, errors);
        return errors;
    }

    private static void CheckMemory(StreamProgram program, List<string> errors)
    {
        var lives = Liveness.Compute(program.Buffers, program.Phases);
        lives[program.LogitsBuffer] = lives[program.LogitsBuffer] with { Last = program.Phases.Count };
        var placed = program.Buffers.Where(b => b.Place == BufferPlace.Arena && lives[b.Id].IsUsed).ToArray();
        for (int i = 0; i < placed.Length; i++)
        {
            var a = placed[i];
            long start = program.Memory.Offsets[a.Id];
            if (start < 0 || start + a.Bytes > program.Memory.Bytes)
            {
                errors.Add($"buffer {a.Name} lies outside the arena ({start} + {a.Bytes} of {program.Memory.Bytes} bytes)");
            }

            foreach (var b in placed.Skip(i + 1))
            {
                long other = program.Memory.Offsets[b.Id];
                if (lives[a.Id].Overlaps(lives[b.Id]) && start < other + b.Bytes && other < start + a.Bytes)
                {
                    errors.Add($"buffers {a.Name} and {b.Name} are live together and share bytes");
                }
            }
        }
    }

    private static void CheckRaces(StreamProgram program, List<string> errors)
    {
        foreach (var phase in program.Phases)
        {
            var lanes = phase.Lanes.Select(lane => lane.SelectMany(Access.Of).ToArray()).ToArray();
            for (int a = 0; a < lanes.Length; a++)
            {
                foreach (var access in lanes[a])
                {
                    int owner = program.Buffers[access.Buffer].Lane;
                    if (owner >= 0 && owner != a)
                    {
                        errors.Add($"{phase.Name}: lane {a} touches {program.Buffers[access.Buffer].Name}, which is private to lane {owner}");
                    }

                    for (int b = 0; b < lanes.Length; b++)
                    {
                        if (a != b && access.Write && lanes[b].Any(other => access.Overlaps(other)))
                        {
                            errors.Add($"{phase.Name}: lanes {a} and {b} use the same part of {program.Buffers[access.Buffer].Name} without a barrier");
                        }
                    }
                }
            }
        }
    }

    private static void CheckOrder(StreamProgram program, List<string> errors)
    {
        bool[] written = new bool[program.Buffers.Count];
        foreach (var buffer in program.Buffers.Where(b => b.Place == BufferPlace.Cache))
        {
            written[buffer.Id] = true;
        }

        foreach (var phase in program.Phases)
        {
            var ahead = (bool[])written.Clone();
            foreach (var lane in phase.Lanes)
            {
                var own = (bool[])written.Clone();
                foreach (var access in lane.SelectMany(Access.Of))
                {
                    if (!access.Write && !own[access.Buffer])
                    {
                        errors.Add($"{phase.Name}: {program.Buffers[access.Buffer].Name} is read before it is written");
                    }

                    own[access.Buffer] |= access.Write;
                    ahead[access.Buffer] |= access.Write;
                }
            }

            written = ahead;
        }
    }

    private static void CheckCoverage(StreamProgram program, List<string> errors)
    {
        foreach (var phase in program.Phases)
        {
            var matrices = phase.Lanes.SelectMany(lane => lane)
                .Where(i => i.Opcode is Opcode.MatMul or Opcode.MatMulAdd or Opcode.GatedMatMul)
                .GroupBy(i => (i.Weight, i.Output));
            foreach (var group in matrices)
            {
                int expected = 0;
                foreach (var i in group.OrderBy(i => i.Begin))
                {
                    if (i.Begin != expected)
                    {
                        errors.Add($"{phase.Name}: rows {expected} to {i.Begin} of {program.Weights[i.Weight].Name} are computed {(i.Begin > expected ? "by no lane" : "twice")}");
                    }

                    expected = i.End;
                }

                Weight weight = program.Weights[group.Key.Weight];
                if (expected != weight.Rows)
                {
                    errors.Add($"{phase.Name}: rows {expected} to {weight.Rows} of {weight.Name} are computed by no lane");
                }
            }

            CheckShares(program, phase, errors);
        }
    }

    private static void CheckShares(StreamProgram program, Phase phase, List<string> errors)
    {
        var byRows = phase.Lanes.SelectMany(lane => lane)
            .Where(i => i.Opcode is Opcode.Embed or Opcode.RopeTable or Opcode.Norm or Opcode.Attention or Opcode.JoinAttention)
            .GroupBy(i => (i.Opcode, i.Output));
        foreach (var group in byRows)
        {
            int expected = 0;
            foreach (var i in group.OrderBy(i => i.Begin))
            {
                expected = i.Begin == expected ? i.End : -1;
            }

            if (expected != program.Lanes)
            {
                errors.Add($"{phase.Name}: the rows of {program.Buffers[group.Key.Output].Name} are not shared out exactly once");
            }
        }
    }

    /// <summary>Queries are rotated, and a layer's cache is filled, column by column exactly once.</summary>
    private static void CheckColumns(StreamProgram program, List<string> errors)
    {
        var instructions = program.Phases.SelectMany(p => p.Lanes).SelectMany(lane => lane).ToArray();
        var steps = instructions.Where(i => i.Opcode is Opcode.RotateQueries or Opcode.StoreKeys or Opcode.StoreValues).ToLookup(i => i.Output);
        foreach (int buffer in instructions.Where(i => i.Opcode == Opcode.Attention).SelectMany(i => (int[])[i.Input, i.Input2]).Distinct())
        {
            int expected = 0;
            foreach (var i in steps[buffer].OrderBy(i => i.Begin + i.Shift))
            {
                expected = i.Begin + i.Shift == expected ? i.End + i.Shift : int.MaxValue;
            }

            if (expected != program.Buffers[buffer].Columns)
            {
                errors.Add($"the columns of {program.Buffers[buffer].Name} are not rotated or stored exactly once");
            }
        }
    }

    /// <summary>What the cut between lanes divides is joined in a phase of its own, before the output is read.</summary>
    private static void CheckJoins(StreamProgram program, List<string> errors)
    {
        var phases = program.Phases.Select(p => p.Lanes.SelectMany(lane => lane).ToArray()).ToList();
        for (int p = 0; p < phases.Count && program.Lanes > 1; p++)
        {
            foreach (var attention in phases[p].Where(i => i.Opcode == Opcode.Attention).DistinctBy(i => i.Parts))
            {
                int join = phases.FindIndex(p + 1, phase => phase.Any(i => i.Opcode == Opcode.JoinAttention && i.Parts == attention.Parts && i.Output == attention.Output));
                int read = phases.FindIndex(p + 1, phase => phase.SelectMany(Access.Of).Any(a => !a.Write && a.Buffer == attention.Output));
                if (join < 0 || (read >= 0 && read <= join))
                {
                    errors.Add($"{program.Phases[p].Name}: {program.Buffers[attention.Output].Name} is not joined before it is read");
                }
            }
        }
    }
}
