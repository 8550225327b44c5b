using LlmServe.Constraints;
using LlmServe.Engine.Sampling;

namespace LlmServe.Engine.Scheduling;

/// <summary>
/// One sequence's way through its constraint. Tokens are chosen one after the other, each from what those before it leave; drafts are tried on the way and
/// taken back. What the constraint throws concerns its sequence alone: the caller of the choosing members sees it, drafts just end there.
/// </summary>
/// <param name="constraint">The compiled rule.</param>
internal sealed class SequenceConstraint(TokenConstraint constraint)
{
    private readonly ConstraintCursor _cursor = constraint.Start();
    private int _mark;

    /// <summary>Whether nothing but the end may follow.</summary>
    public bool MustEnd => _cursor.MustEnd;

    /// <summary>What may come next. Valid until the next call.</summary>
    public ReadOnlySpan<ulong> Mask() => _cursor.Mask();

    /// <summary>The token that is certain to come next, if one is. It is taken whatever the model says, so that answers do not depend on when it is asked.</summary>
    public bool TryForced(out int token)
    {
        var forced = _cursor.MustEnd ? [] : _cursor.ForcedTokens();
        token = forced.IsEmpty ? -1 : forced[0];
        return !forced.IsEmpty;
    }

    /// <summary>Takes a token that the mask allows.</summary>
    /// <exception cref="InvalidOperationException">The constraint does not take what it allowed.</exception>
    public void Accept(int token)
    {
        if (!_cursor.TryAccept(token))
        {
            throw new InvalidOperationException($"the constraint allows token {token} and does not take it");
        }
    }

    /// <summary>Begins to try drafts, all of which <see cref="GoBack"/> takes back.</summary>
    public void BeginDrafts() => _mark = _cursor.Position;

    /// <summary>Ends trying drafts.</summary>
    public void GoBack() => _cursor.Rewind(_mark);

    /// <summary>The likeliest token that may come next, as a draft; −1: none.</summary>
    /// <param name="logits">[vocabulary]</param>
    /// <param name="scratch">[vocabulary]</param>
    public int Draft(ReadOnlySpan<float> logits, Span<float> scratch)
    {
        try
        {
            if (_cursor.MustEnd)
            {
                return -1;
            }

            if (!TryForced(out int token))
            {
                LogitScan.CopyAllowed(logits, _cursor.Mask(), scratch);
                token = LogitScan.ArgMax(scratch[..logits.Length]);
            }

            return token < logits.Length && _cursor.TryAccept(token) ? token : -1;
        }
        catch (Exception)
        {
            return -1; // choosing will meet it too, and say so
        }
    }

    /// <summary>How many of the tokens behind the known ones may come, one after the other.</summary>
    public int CountAllowed(TokenBuffer tokens, int count)
    {
        try
        {
            BeginDrafts();
            int allowed = 0;
            while (allowed < count && _cursor.TryAccept(tokens[tokens.Length + allowed]))
            {
                allowed++;
            }

            GoBack();
            return allowed;
        }
        catch (Exception)
        {
            return 0;
        }
    }
}
