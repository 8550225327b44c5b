namespace LlmServe.Compiler.Programs;

/// <summary>The phase that instructions are being added to: its instructions, and how it uses shared buffers so far.</summary>
internal sealed class OpenPhase(int lanes)
{
    private readonly Dictionary<int, List<(Split Part, bool IsWrite, int Region)>> _uses = [];
    private readonly List<Instruction>[] _instructions = [.. Enumerable.Range(0, lanes).Select(_ => new List<Instruction>())];
    private string _name = "";

    /// <summary>Whether no lane has anything to do.</summary>
    public bool IsEmpty => Array.TrueForAll(_instructions, lane => lane.Count == 0);

    /// <summary>The phase as it is.</summary>
    public Phase Close() => new(_name, _instructions);

    /// <summary>Adds an instruction to a lane.</summary>
    public void Add(int lane, in Instruction instruction) => _instructions[lane].Add(instruction);

    /// <summary>Calls the phase by what is done first in it, and by everything <paramref name="isMain"/> that follows.</summary>
    public void Name(string name, bool isMain)
    {
        if (_name.Length == 0 || isMain)
        {
            _name = _name.Length == 0 ? name : $"{_name} + {name[(name.LastIndexOf('.') + 1)..]}";
        }
    }

    /// <summary>Whether a use of a buffer cannot stand in this phase: another lane writes there, or reads what would be written.</summary>
    /// <param name="buffer">The buffer.</param>
    /// <param name="part">Each lane's part.</param>
    /// <param name="isWrite">Whether it is written.</param>
    /// <param name="region">A region of the buffer that has parts of its own; −1: all of it.</param>
    public bool Conflicts(int buffer, Split part, bool isWrite, int region = -1) =>
        _uses.TryGetValue(buffer, out var uses)
        && uses.Exists(use => (use.IsWrite || isWrite) && (use.Region == region || use.Region < 0 || region < 0) && !part.StaysWithin(use.Part));

    /// <summary>Notes a use of a buffer.</summary>
    public void Use(int buffer, Split part, bool isWrite, int region = -1)
    {
        if (!_uses.TryGetValue(buffer, out var uses))
        {
            _uses.Add(buffer, uses = []);
        }

        uses.Add((part, isWrite, region));
    }

    /// <summary>Which part of a buffer each lane has written in this phase; null where nobody did.</summary>
    public Split? WrittenParts(int buffer) => _uses.TryGetValue(buffer, out var uses) ? uses.Find(use => use.IsWrite).Part : null;
}
