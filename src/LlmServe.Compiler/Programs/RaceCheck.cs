namespace LlmServe.Compiler.Programs;

/// <summary>Finds what a lane touches in the phase in which another lane writes it.</summary>
internal static class RaceCheck
{
    private readonly record struct Touch(int Lane, Access Access);

    /// <summary>Adds a sentence for each buffer and phase.</summary>
    public static void Run(StreamProgram program, List<string> errors)
    {
        var byBuffer = new Dictionary<int, List<Touch>>();
        var accesses = new List<Access>();
        foreach (var phase in program.Phases)
        {
            byBuffer.Clear();
            for (int lane = 0; lane < phase.Lanes.Count; lane++)
            {
                foreach (var instruction in phase.Lanes[lane])
                {
                    accesses.Clear();
                    instruction.Opcode.Touch(instruction, accesses);
                    foreach (var access in accesses.Where(a => program.Buffers[a.Buffer].Place != BufferPlace.Lane))
                    {
                        if (!byBuffer.TryGetValue(access.Buffer, out var touches))
                        {
                            byBuffer.Add(access.Buffer, touches = []);
                        }

                        touches.Add(new Touch(lane, access));
                    }
                }
            }

            foreach (var (buffer, touches) in byBuffer)
            {
                if (touches.Exists(t => t.Access.IsWrite) && Find(touches) is { } race)
                {
                    errors.Add($"{phase.Name}: lanes {race.First} and {race.Second} use the same part of {program.Buffers[buffer].Name} without a barrier");
                }
            }
        }
    }

    /// <summary>Two lanes that touch the same part, of which one writes.</summary>
    private static (int First, int Second)? Find(List<Touch> touches)
    {
        if (touches.TrueForAll(t => t.Access.Unit == t.Lane))
        {
            return null;
        }

        // Along the dimension that is cut, only regions that reach beyond the start of the next can overlap it.
        bool byColumns = touches.Exists(t => t.Access.Begin > 0);
        int Start(Access a) => byColumns ? a.Begin : a.FirstShare;
        int End(Access a) => byColumns ? a.End : a.EndShare;
        touches.Sort((a, b) => Start(a.Access).CompareTo(Start(b.Access)));
        var open = new List<Touch>();
        foreach (var touch in touches)
        {
            open.RemoveAll(t => End(t.Access) <= Start(touch.Access));
            foreach (var other in open)
            {
                if (other.Lane != touch.Lane && (other.Access.IsWrite || touch.Access.IsWrite) && other.Access.Overlaps(touch.Access))
                {
                    return (Math.Min(other.Lane, touch.Lane), Math.Max(other.Lane, touch.Lane));
                }
            }

            open.Add(touch);
        }

        return null;
    }
}
