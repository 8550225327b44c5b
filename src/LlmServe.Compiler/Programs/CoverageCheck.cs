namespace LlmServe.Compiler.Programs;

/// <summary>Checks that the work of every step is done exactly once, and that every cache that is read is filled.</summary>
internal static class CoverageCheck
{
    /// <summary>Adds a sentence for each step that is not.</summary>
    public static void Run(StreamProgram program, List<string> errors)
    {
        var steps = new List<(int Lane, Instruction Instruction)>[program.Steps.Count];
        foreach (var phase in program.Phases)
        {
            for (int lane = 0; lane < phase.Lanes.Count; lane++)
            {
                foreach (var instruction in phase.Lanes[lane])
                {
                    (steps[instruction.Step] ??= []).Add((lane, instruction));
                }
            }
        }

        for (int step = 0; step < steps.Length; step++)
        {
            if (steps[step] is not { } parts)
            {
                errors.Add($"{program.Steps[step]} is done by no lane");
            }
            else if (program.Buffers[parts[0].Instruction.Output].Place == BufferPlace.Lane)
            {
                CheckRepeated(program, program.Steps[step], parts, errors);
            }
            else
            {
                CheckShared(program, NameOf(program, step, parts[0].Instruction), parts, errors);
            }
        }

        CheckCaches(program, steps, errors);
    }

    private static string NameOf(StreamProgram program, int step, in Instruction i) =>
        i.Opcode.IsMatrix ? program.Weights[i.Weight].Name : program.Steps[step];

    /// <summary>Every lane does all of it.</summary>
    private static void CheckRepeated(StreamProgram program, string name, List<(int Lane, Instruction Instruction)> parts, List<string> errors)
    {
        int columns = parts[0].Instruction.Opcode.Columns(program, parts[0].Instruction);
        bool isWhole = parts.TrueForAll(p => p.Instruction is var i && i.Begin == 0 && i.End == columns && i.FirstShare == 0 && i.EndShare == program.Lanes);
        if (!isWhole || parts.Select(p => p.Lane).Distinct().Count() != program.Lanes || parts.Count != program.Lanes)
        {
            errors.Add($"{name}: the rows are not shared out exactly once, or by each lane for itself");
        }
    }

    /// <summary>Lanes cut the columns, or the rows, or units.</summary>
    private static void CheckShared(StreamProgram program, string name, List<(int Lane, Instruction Instruction)> parts, List<string> errors)
    {
        var first = parts[0].Instruction;
        int columns = first.Opcode.Columns(program, first);
        if (first.Opcode.Division == Division.Rectangles && parts.TrueForAll(p => p.Instruction.FirstShare == 0 && p.Instruction.EndShare == program.Lanes))
        {
            string what = first.Opcode.IsMatrix ? "rows" : "columns";
            int expected = 0;
            foreach (var i in parts.Select(p => p.Instruction).OrderBy(i => i.Begin))
            {
                if (i.Begin != expected)
                {
                    errors.Add($"{what} {expected} to {i.Begin} of {name} are computed {(i.Begin > expected ? "by no lane" : "twice")}");
                }

                expected = i.End;
            }

            if (expected != columns)
            {
                errors.Add($"{what} {expected} to {columns} of {name} are computed by no lane");
            }

            return;
        }

        int share = 0;
        foreach (var i in parts.Select(p => p.Instruction).OrderBy(i => i.FirstShare))
        {
            share = i.FirstShare == share && i.Begin == 0 && i.End == columns ? i.EndShare : -1;
        }

        if (share != program.Lanes || (first.Opcode.Division == Division.Units && parts.Exists(p => p.Instruction.FirstShare != p.Lane)))
        {
            errors.Add($"{name}: the rows are not shared out exactly once");
        }
    }

    /// <summary>The columns of a cache are those of the steps that fill it, laid end to end.</summary>
    private static void CheckCaches(StreamProgram program, List<(int Lane, Instruction Instruction)>[] steps, List<string> errors)
    {
        Instruction[] first = [.. steps.Where(s => s is not null).Select(s => s[0].Instruction)];
        var fillers = first.ToLookup(i => i.Output);
        foreach (int cache in program.CacheBuffers.Where(c => first.Any(i => i.Output == c || i.Input == c || i.Input2 == c || i.Input3 == c)))
        {
            int expected = 0;
            foreach (var i in fillers[cache].OrderBy(i => i.Shift))
            {
                expected = i.Shift == expected ? expected + i.Opcode.Columns(program, i) : int.MinValue;
            }

            if (expected != program.Buffers[cache].Columns)
            {
                errors.Add($"the columns of {program.Buffers[cache].Name} are not stored exactly once");
            }
        }
    }
}
