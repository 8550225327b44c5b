using System.Collections.Concurrent;
using LlmServe.Constraints;
using LlmServe.Engine;

namespace LlmServe.Serving;

/// <summary>Compiles rules for the models, whose vocabularies are prepared when the first rule comes. Thread-safe.</summary>
internal sealed class RuleCompilers : IDisposable
{
    private readonly ConcurrentDictionary<LlmEngine, Lazy<ConstraintCompiler>> _compilers = new();

    /// <summary>Compiles a rule, or finds it compiled.</summary>
    /// <param name="call">Who waits for it.</param>
    /// <param name="engine">For whose vocabulary.</param>
    /// <param name="rule">The rule; null: none.</param>
    /// <param name="field">Path of the request's field that it came from, for messages.</param>
    /// <exception cref="RequestException">It cannot be honoured.</exception>
    public async ValueTask<TokenConstraint?> CompileAsync(ServedCall call, LlmEngine engine, ConstraintRule? rule, string field)
    {
        if (rule is null)
        {
            return null;
        }

        try
        {
            var compiler = _compilers.GetOrAdd(engine, key => new Lazy<ConstraintCompiler>(() => new ConstraintCompiler(new ConstraintVocabulary(key.Tokenizer))));
            return await Task.Run(() => compiler.Value.CompileAsync(rule, call.Aborted), call.Aborted).ConfigureAwait(false);
        }
        catch (ConstraintException exception)
        {
            throw Failure.Invalid(field, exception.Message).ToException();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var compiler in _compilers.Values)
        {
            if (compiler.IsValueCreated)
            {
                compiler.Value.Dispose();
            }
        }
    }
}
