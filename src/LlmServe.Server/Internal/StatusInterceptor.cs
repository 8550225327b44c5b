using Grpc.Core;
using Grpc.Core.Interceptors;
using LlmServe.Engine;
using LlmServe.Text.Templates;
using Microsoft.Extensions.Logging;

namespace LlmServe.Server.Internal;

/// <summary>
/// Stands before every LlmServe call: counts it, refuses it once the server is stopping, and is the one place where exceptions become statuses.
/// </summary>
internal sealed class StatusInterceptor(CallGate gate, HealthReporter health, ILogger<LlmServeHost> logger) : Interceptor
{
    /// <summary>Longest message of a status: it travels in an HTTP/2 header, which clients limit.</summary>
    private const int MaxDetail = 2000;

    /// <inheritdoc/>
    public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation) =>
        Guard(context, () => continuation(request, context));

    /// <inheritdoc/>
    public override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation) =>
        Guard(context, async () =>
        {
            await continuation(request, responseStream, context).ConfigureAwait(false);
            return true;
        });

    private async Task<T> Guard<T>(ServerCallContext context, Func<Task<T>> call)
    {
        var http = context.GetHttpContext();
        var record = CallRecord.Of(http);
        var status = Status.DefaultSuccess;
        try
        {
            gate.Enter();
            try
            {
                return await call().ConfigureAwait(false);
            }
            finally
            {
                gate.Leave();
            }
        }
        catch (Exception exception)
        {
            var failure = Translate(exception, context);
            status = failure.Status;
            throw failure;
        }
        finally
        {
            record.Write(logger, http, context.Method, status.StatusCode.ToString(), status.Detail);
        }
    }

    private RpcException Translate(Exception exception, ServerCallContext context)
    {
        // Whatever broke after the client left is its leaving, not a failure of the server.
        if (context.CancellationToken.IsCancellationRequested && exception is not RpcException)
        {
            return context.Deadline <= DateTime.UtcNow
                ? new RpcException(new Status(StatusCode.DeadlineExceeded, "the deadline passed"))
                : new RpcException(new Status(StatusCode.Cancelled, "the call was cancelled"));
        }

        var failure = exception switch
        {
            RpcException rpc => rpc,
            EngineException engine => FromEngine(engine, context),
            TemplateException template => FromTemplate(template, context),
            _ => null,
        };
        if (failure is null)
        {
            Log.Failed(logger, exception, context.Method);
            return Failures.Internal();
        }

        return failure.Status.Detail.Length <= MaxDetail
            ? failure
            : new RpcException(new Status(failure.StatusCode, string.Concat(failure.Status.Detail.AsSpan(0, MaxDetail), "…")), failure.Trailers);
    }

    private RpcException FromEngine(EngineException exception, ServerCallContext context)
    {
        switch (exception.Error)
        {
            case EngineError.InvalidArgument:
                return new RpcException(new Status(StatusCode.InvalidArgument, exception.Message));
            case EngineError.QueueFull:
            case EngineError.ClientLimit:
                return new RpcException(new Status(StatusCode.ResourceExhausted, exception.Message));
            case EngineError.Stopping:
                return Failures.Stopping();
            case EngineError.RequestFailed:
                Log.Failed(logger, exception, context.Method);
                return Failures.Internal();
            default:
                // The engine takes nothing any more, so whoever watches the server's health should know.
                health.NotServing();
                Log.Failed(logger, exception, context.Method);
                return Failures.Internal();
        }
    }

    /// <summary>A refused or oversized conversation is the client's to change; anything else is the model's fault and needs its owner.</summary>
    private RpcException FromTemplate(TemplateException exception, ServerCallContext context)
    {
        switch (exception)
        {
            case TemplateRaisedException or TemplateInputException or TemplateLimitException:
                return Failures.Invalid("messages", exception.Message);
            default:
                Log.TemplateFailed(logger, context.Method, exception.Message);
                return Failures.Model($"the model's chat template failed: {exception.Message}");
        }
    }
}
