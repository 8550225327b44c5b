using LlmServe.Constraints.Runtime;

namespace LlmServe.Constraints;

/// <summary>
/// Follows one sequence through its constraint: which tokens may come next, and which have come. Everything it says is a function of the rule, the
/// vocabulary and the tokens accepted, so that a sequence that is read again says the same. Not thread-safe; nothing is allocated per token once its
/// buffers have grown.
/// </summary>
public sealed class ConstraintCursor
{
    /// <summary>How many tokens can be taken back.</summary>
    public const int MostTakenBack = 256;

    private readonly TokenConstraint _constraint;
    private readonly TokenReader _reader;
    private readonly StackMachine _machine;
    private readonly MaskBuilder _builder;
    private readonly CursorHistory _history;
    private readonly ulong[] _mask; // [(vocabulary + 63) / 64]
    private CursorPlace _place;
    private bool _maskIsCurrent;

    internal ConstraintCursor(TokenConstraint constraint)
    {
        _constraint = constraint;
        _reader = new TokenReader(constraint);
        _machine = _reader.Bytes.Machine;
        _builder = new MaskBuilder(constraint, _reader);
        _mask = new ulong[constraint.Vocabulary.MaskLength];
        _place = _reader.Bytes.Begin();
        _history = new CursorHistory(_machine, MostTakenBack);
    }

    private Configuration Here => _place.Here;

    private bool MarkIsDue => _constraint.Preamble?.IsDue(_place.Preamble) == true;

    /// <summary>The constraint.</summary>
    public TokenConstraint Constraint => _constraint;

    /// <summary>Number of tokens accepted.</summary>
    public int Position { get; private set; }

    /// <summary>Whether the text so far is whole, so that it may end here.</summary>
    public bool IsComplete => Here.Complete || IsEnded;

    /// <summary>Whether nothing but the end may follow.</summary>
    public bool MustEnd => IsEnded || Here.IsOver;

    /// <summary>Whether a token that ends the generation has been accepted.</summary>
    public bool IsEnded { get; private set; }

    /// <summary>Whether the rule has begun: there is no preamble, or its mark has come.</summary>
    public bool HasBegun => _constraint.Preamble is null || _place.Preamble.IsOver;

    /// <summary>Memory of the cursor in bytes.</summary>
    public long Bytes => _machine.Bytes + 8L * _mask.Length;

    /// <summary>
    /// The tokens that may come next, one bit per id, lowest first: those after which some text of the rule can still be completed, and where
    /// <see cref="IsComplete"/> those that end a generation. At least one bit is set until <see cref="IsEnded"/>. Valid until the next call.
    /// </summary>
    public ReadOnlySpan<ulong> Mask()
    {
        if (!_maskIsCurrent)
        {
            FillMask();
            _maskIsCurrent = true;
        }

        return _mask;
    }

    /// <summary>Whether a token may come next.</summary>
    public bool Allows(int token)
    {
        if (token < 0 || token >= _constraint.Vocabulary.Size || IsEnded)
        {
            return false;
        }

        if (_maskIsCurrent || MarkIsDue)
        {
            return (Mask()[token >> 6] >> token & 1) != 0;
        }

        int top = Here.End;
        var mark = _machine.Arena.Now;
        var next = _place;
        bool allowed = (Here.Complete && IsEndToken(token)) || _reader.TryRead(ref next, token);
        _machine.Truncate(top);
        _machine.Arena.Release(mark);
        return allowed;
    }

    /// <summary>Takes the next token.</summary>
    /// <returns>False, and nothing changes, if it may not come.</returns>
    public bool TryAccept(int token)
    {
        if (token < 0 || token >= _constraint.Vocabulary.Size || IsEnded)
        {
            return false;
        }

        if (MarkIsDue && token != _constraint.Preamble!.Rest(_place.Preamble, _constraint.Divider)[0])
        {
            return false;
        }

        var mark = _machine.Arena.Now;
        var next = _place;
        bool reads = _reader.TryRead(ref next, token);
        bool ends = !reads && IsEndToken(token) && Here.Complete;
        if (!reads && !ends)
        {
            _machine.Truncate(Here.End);
            _machine.Arena.Release(mark);
            return false;
        }

        _maskIsCurrent &= !ends && HasBegun && next.Names.Frame == _place.Names.Frame && !IsNear(next.Names.Phase) && _machine.AreEqual(Here, next.Here);
        IsEnded = ends;
        _place = _history.Keep(_place, ends ? _place : next);
        Position++;
        return true;
    }

    /// <summary>
    /// Tokens that are certain to come next, whatever the model says: what the rule prescribes, in the tokenizer's own division as far as what follows
    /// cannot change that. Often empty. Valid until the next call; nothing is accepted by it.
    /// </summary>
    public ReadOnlySpan<int> ForcedTokens()
    {
        if (IsEnded)
        {
            return [];
        }

        if (MarkIsDue)
        {
            return _constraint.Preamble!.Rest(_place.Preamble, _constraint.Divider);
        }

        int top = Here.End;
        var mark = _machine.Arena.Now;
        var forced = _constraint.Forced.After(_machine, Here);
        _machine.Truncate(top);
        _machine.Arena.Release(mark);
        return forced;
    }

    /// <summary>Takes tokens back, so that the cursor stands where it stood after <paramref name="position"/> of them.</summary>
    /// <exception cref="ArgumentOutOfRangeException">More than <see cref="MostTakenBack"/> tokens would be taken back, or fewer than none.</exception>
    public void Rewind(int position)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(position, Position);
        ArgumentOutOfRangeException.ThrowIfLessThan(position, Math.Max(0, Position - MostTakenBack));
        if (position < Position)
        {
            _place = _history.GoBack(Position - position);
            Position = position;
            IsEnded = false;
            _maskIsCurrent = false;
        }
    }

    /// <summary>Whether what may come depends on the names that were.</summary>
    private static bool IsNear(NamePhase phase) => phase is NamePhase.Name or NamePhase.NameEscape or NamePhase.BeforeName;

    private bool IsEndToken(int token) => Array.BinarySearch(_constraint.Vocabulary.EndTokens, token) >= 0;

    private void FillMask()
    {
        Array.Clear(_mask);
        if (MarkIsDue)
        {
            int token = _constraint.Preamble!.Rest(_place.Preamble, _constraint.Divider)[0];
            _mask[token >> 6] |= 1UL << token;
        }
        else if (!IsEnded)
        {
            _builder.Fill(_place, _mask);
        }
    }
}
