using System.Runtime.CompilerServices;
using System.Threading.Channels;
using LlmServe.Protocol;
using LlmServe.Serving;
using LlmServe.V1;

namespace LlmServe.Extensions.AI.Connections;

/// <summary>Models in this process: calls pass what calls of a server pass, but for a transport.</summary>
/// <param name="core">The models.</param>
/// <param name="owned">What disposing this ends, besides; null: nothing.</param>
internal sealed class LocalConnection(ServingCore core, IDisposable? owned) : IModelConnection
{
    /// <summary>Who calls, in logs and for the engine's fairness.</summary>
    private const string ClientName = "in-process";

    private readonly GenerationReader _reader = new(core.Models, core.Options, defaultOutputTokens: null);

    /// <inheritdoc/>
    public Uri? Address => null;

    /// <summary>A model by itself.</summary>
    /// <param name="model">The model; its engine stays its owner's.</param>
    public static LocalConnection Of(ServedModel model)
    {
        var core = new ServingCore([model], new ServingOptions());
        return new LocalConnection(core, core);
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<GenerationDelta> ChatAsync(ChatRequest request, CancellationToken cancellation) =>
        AnswerAsync("Chat", () => _reader.Read(request), cancellation);

    /// <inheritdoc/>
    public IAsyncEnumerable<GenerationDelta> GenerateAsync(GenerateRequest request, CancellationToken cancellation) =>
        AnswerAsync("Generate", () => _reader.Read(request), cancellation);

    /// <inheritdoc/>
    public Task<Model> GetModelAsync(string model, CancellationToken cancellation)
    {
        try
        {
            return Task.FromResult(ModelDescription.Of(core.Models.Find(model)));
        }
        catch (RequestException exception)
        {
            return Task.FromException<Model>(Translate(exception.Failure, cancellation));
        }
    }

    /// <inheritdoc/>
    public object? GetService(Type type) => type.IsInstanceOfType(core) ? core : null;

    /// <inheritdoc/>
    public void Dispose() => owned?.Dispose();

    private async IAsyncEnumerable<GenerationDelta> AnswerAsync(
        string method, Func<GenerationInput> read, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var call = new ServedCall { Method = method, Client = core.Clients.OfAddress(ClientName), IsStream = true, Aborted = leaving.Token };
        // The reader paces the generation, as a client far away does.
        var deltas = Channel.CreateBounded<GenerationDelta>(new BoundedChannelOptions(1) { SingleReader = true, SingleWriter = true });
        var run = RunAsync(call, read, deltas.Writer);
        try
        {
            while (await deltas.Reader.WaitToReadAsync(CancellationToken.None).ConfigureAwait(false))
            {
                while (deltas.Reader.TryRead(out var delta))
                {
                    yield return delta;
                }
            }
        }
        finally
        {
            await leaving.CancelAsync().ConfigureAwait(false);
        }

        if (await run.ConfigureAwait(false) is { } failure)
        {
            throw Translate(failure, cancellation);
        }
    }

    private async Task<Failure?> RunAsync(ServedCall call, Func<GenerationInput> read, ChannelWriter<GenerationDelta> deltas)
    {
        try
        {
            return await core.Calls.RunAsync(call, async running =>
            {
                using var generation = await core.Generations.StartAsync(running, read()).ConfigureAwait(false);
                while (generation is not null && await generation.NextAsync().ConfigureAwait(false) is { } update)
                {
                    var delta = new GenerationDelta();
                    Deltas.Fill(delta, update, generation.Model.Engine.Tokenizer);
                    await deltas.WriteAsync(delta, running.Aborted).ConfigureAwait(false);
                }
            }).ConfigureAwait(false);
        }
        finally
        {
            deltas.Complete();
        }
    }

    private static Exception Translate(Failure failure, CancellationToken cancellation) => failure.Kind == FailureKind.Cancelled
        ? new OperationCanceledException(failure.Message, cancellation)
        : new LlmServeException(FailureCode.Of(failure.Kind), failure.Message, failure.Field, failure.ToException());
}
