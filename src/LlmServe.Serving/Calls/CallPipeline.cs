using LlmServe.Engine;
using LlmServe.Text.Templates;
using Microsoft.Extensions.Logging;

namespace LlmServe.Serving;

/// <summary>
/// What every call passes, whatever protocol it came by: it is recorded, counted by the gate that closes when the server stops, and held to its
/// client's limit of streams; and whatever goes wrong in it becomes a <see cref="Failure"/>.
/// </summary>
public sealed class CallPipeline
{
    private readonly ClientDirectory _clients;
    private readonly CallGate _gate;
    private readonly CallLog _log;
    private readonly ILogger _logger;

    internal CallPipeline(ClientDirectory clients, CallGate gate, ILogger logger)
    {
        _clients = clients;
        _gate = gate;
        _logger = logger;
        _log = new CallLog(logger);
    }

    /// <summary>Runs a call.</summary>
    /// <param name="call">The call.</param>
    /// <param name="body">Answers it.</param>
    /// <returns>Null, or why it failed. Nothing is thrown.</returns>
    public async ValueTask<Failure?> RunAsync(ServedCall call, Func<ServedCall, ValueTask> body)
    {
        _clients.Enter(call.Client);
        var failure = await GuardAsync(call, body).ConfigureAwait(false);
        _clients.Leave(call.Client);
        _log.Write(call, failure);
        return failure;
    }

    private async ValueTask<Failure?> GuardAsync(ServedCall call, Func<ServedCall, ValueTask> body)
    {
        if (call.Aborted.IsCancellationRequested)
        {
            return call.GivenUp;
        }

        if (!_gate.TryEnter())
        {
            return Failure.Stopping;
        }

        Failure? failure = null;
        bool entered = false;
        try
        {
            failure = call.IsStream ? call.Client.EnterStream() : null;
            if (failure is not null)
            {
                Log.TooManyStreams(_logger, call.Method, call.Client.Name);
                return failure;
            }

            entered = call.IsStream;
            await body(call).ConfigureAwait(false);
            return call.Outcome;
        }
        catch (Exception exception)
        {
            return FailureOf(exception, call);
        }
        finally
        {
            if (entered)
            {
                call.Client.LeaveStream();
            }

            _gate.Leave();
        }
    }

    private Failure FailureOf(Exception exception, ServedCall call)
    {
        switch (exception)
        {
            case RequestException request:
                return request.Failure;

            // Whatever broke after the client left is its leaving, not a failure of the server.
            case not EngineException when call.Aborted.IsCancellationRequested:
                return call.GivenUp;
            case EngineException { Error: not (EngineError.Failed or EngineError.RequestFailed) } engine:
                return EngineFailures.Translate(engine);
            case EngineException { Error: EngineError.Failed }:
                // The core has logged it, and told health, when it happened.
                return Failure.Internal;
            case TemplateRaisedException or TemplateInputException or TemplateLimitException:
                return Failure.Invalid("messages", exception.Message);
            case TemplateException:
                // The model's fault, which needs its owner.
                Log.TemplateFailed(_logger, call.Method, exception.Message);
                return new Failure(FailureKind.Model, $"the model's chat template failed: {exception.Message}");
            default:
                Log.Failed(_logger, exception, call.Method);
                return Failure.Internal;
        }
    }
}
