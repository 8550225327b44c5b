namespace LlmServe.Compiler.Programs;

/// <summary>
/// Which part of a value each lane handles: columns of all rows, a share of the rows with all columns, units that a tick tells, or, every lane, all of it.
/// </summary>
internal sealed class Split : IEquatable<Split>
{
    private readonly (int Begin, int End)[] _parts; // [lanes]; empty: all

    private Split(Kind kind, (int, int)[] parts)
    {
        Shape = kind;
        _parts = parts;
    }

    public enum Kind
    {
        /// <summary>Every lane has everything.</summary>
        Whole,

        Columns,

        Rows,

        Units,
    }

    /// <summary>Every lane handles everything.</summary>
    public static Split Whole { get; } = new(Kind.Whole, []);

    /// <summary>What it divides.</summary>
    public Kind Shape { get; }

    /// <summary>A run of columns for each lane.</summary>
    public static Split ByColumns((int Begin, int End)[] ranges) => new(Kind.Columns, ranges);

    /// <summary>The rows in equal shares.</summary>
    public static Split ByRows(int lanes) => new(Kind.Rows, [.. Enumerable.Range(0, lanes).Select(lane => (lane, lane + 1))]);

    /// <summary>Units of a tick, of an operation of its own.</summary>
    public static Split ByUnits(int lanes) => new(Kind.Units, [.. Enumerable.Range(0, lanes).Select(lane => (lane, lane + 1))]);

    /// <summary>Whether every cut between lanes falls on a multiple of <paramref name="group"/>, or on the end.</summary>
    public bool KeepsTogether(int group, int columns) =>
        Shape == Kind.Columns && group > 0 && Array.TrueForAll(_parts, p => p.Begin % group == 0 && (p.End % group == 0 || p.End == columns));

    /// <summary>The columns and shares of a lane in an instruction.</summary>
    public Instruction Apply(Instruction instruction, int lane, int lanes, int columns) => Shape switch
    {
        Kind.Columns => instruction with { Begin = _parts[lane].Begin, End = _parts[lane].End, FirstShare = 0, EndShare = lanes },
        Kind.Rows or Kind.Units => instruction with { Begin = 0, End = columns, FirstShare = _parts[lane].Begin, EndShare = _parts[lane].End },
        _ => instruction with { Begin = 0, End = columns, FirstShare = 0, EndShare = lanes },
    };

    /// <summary>Whether a lane has nothing to do.</summary>
    public bool IsEmpty(int lane) => Shape == Kind.Columns && _parts[lane].Begin == _parts[lane].End;

    /// <summary>
    /// Whether what lanes do with this part, and what they did with the other, can stand in one phase although one of them writes: each lane meets its own.
    /// </summary>
    public bool StaysWithin(Split other) => Shape != Kind.Whole && Equals(other);

    /// <inheritdoc/>
    public bool Equals(Split? other) =>
        other is not null && (ReferenceEquals(this, other) || (Shape == other.Shape && Shape != Kind.Units && _parts.AsSpan().SequenceEqual(other._parts)));

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Split);

    /// <inheritdoc/>
    public override int GetHashCode() => _parts.Length == 0 ? 0 : HashCode.Combine(Shape, _parts[0].End, _parts[^1].Begin);
}
