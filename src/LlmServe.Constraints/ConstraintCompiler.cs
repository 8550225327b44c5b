namespace LlmServe.Constraints;

/// <summary>
/// Compiles rules for one model, away from the callers' threads, and keeps what was compiled: equal rules are compiled once and shared. The least
/// recently used constraints are let go where they hold too much memory; sequences that use one keep it. Thread-safe.
/// </summary>
public sealed class ConstraintCompiler : IDisposable
{
    private static readonly TimeSpan WorkAhead = TimeSpan.FromMilliseconds(20);

    private readonly ConstraintVocabulary _vocabulary;
    private readonly ConstraintLimits _limits;
    private readonly long _mostBytes;
    private readonly SemaphoreSlim _turn = new(1);
    private readonly Lock _gate = new();
    private readonly Dictionary<string, LinkedListNode<Entry>> _byDigest = [];
    private readonly LinkedList<Entry> _byUse = new(); // least recently used first

    /// <param name="vocabulary">The model's vocabulary.</param>
    /// <param name="limits">What one rule may cost; null: <see cref="ConstraintLimits.Default"/>.</param>
    /// <param name="mostBytes">Most memory that constraints are kept with.</param>
    public ConstraintCompiler(ConstraintVocabulary vocabulary, ConstraintLimits? limits = null, long mostBytes = 256L << 20)
    {
        ArgumentNullException.ThrowIfNull(vocabulary);
        _vocabulary = vocabulary;
        _limits = limits ?? ConstraintLimits.Default;
        _mostBytes = mostBytes;
    }

    private sealed record Entry(string Digest, Task<TokenConstraint> Constraint);

    /// <summary>The model's vocabulary.</summary>
    public ConstraintVocabulary Vocabulary => _vocabulary;

    /// <summary>Number of constraints that are kept.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _byUse.Count;
            }
        }
    }

    /// <summary>Memory of the constraints that are kept, in bytes.</summary>
    public long Bytes
    {
        get
        {
            lock (_gate)
            {
                return BytesKept();
            }
        }
    }

    /// <summary>The constraint of a rule: at once if it is kept, else when it has been compiled.</summary>
    /// <param name="rule">The rule.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <exception cref="ConstraintException">The rule cannot be honoured.</exception>
    public Task<TokenConstraint> CompileAsync(ConstraintRule rule, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(rule);
        string digest = rule.Digest();
        Task<TokenConstraint> constraint;
        lock (_gate)
        {
            if (_byDigest.TryGetValue(digest, out var node))
            {
                _byUse.Remove(node);
                _byUse.AddLast(node);
            }
            else
            {
                node = _byUse.AddLast(new Entry(digest, Task.Run(() => CompileInTurn(rule, digest), CancellationToken.None)));
                _byDigest.Add(digest, node);
            }

            constraint = node.Value.Constraint;
        }

        return constraint.WaitAsync(cancellation);
    }

    /// <inheritdoc/>
    public void Dispose() => _turn.Dispose();

    private async Task<TokenConstraint> CompileInTurn(ConstraintRule rule, string digest)
    {
        await _turn.WaitAsync().ConfigureAwait(false); // one at a time, so that rules never take more than one processor from the lanes
        try
        {
            var constraint = TokenConstraint.Create(ConstraintGrammar.Compile(rule, _vocabulary, _limits), _vocabulary, WorkAhead);
            LetGo(constraint.Bytes);
            return constraint;
        }
        catch
        {
            Forget(digest);
            throw;
        }
        finally
        {
            _turn.Release();
        }
    }

    private void Forget(string digest)
    {
        lock (_gate)
        {
            if (_byDigest.Remove(digest, out var node))
            {
                _byUse.Remove(node);
            }
        }
    }

    /// <summary>Lets the least recently used constraints go until there is room for another.</summary>
    private void LetGo(long room)
    {
        lock (_gate)
        {
            for (var node = _byUse.First; node is not null && BytesKept() + room > _mostBytes;)
            {
                var next = node.Next;
                if (node.Value.Constraint.IsCompleted)
                {
                    _byUse.Remove(node);
                    _byDigest.Remove(node.Value.Digest);
                }

                node = next;
            }
        }
    }

    private long BytesKept() => _byUse.Sum(entry => entry.Constraint.IsCompletedSuccessfully ? entry.Constraint.Result.Bytes : 0);
}
