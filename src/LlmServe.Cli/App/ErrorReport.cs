using Grpc.Core;
using LlmServe.Cli.Terminal;
using LlmServe.Engine;
using LlmServe.Gguf;
using LlmServe.Hosting;
using LlmServe.Quantizer;
using LlmServe.Server;
using LlmServe.Serving;

namespace LlmServe.Cli.App;

/// <summary>The one place that turns exceptions into a line on standard error and an exit code.</summary>
internal static class ErrorReport
{
    /// <summary>Reports <paramref name="error"/> and returns the exit code that belongs to it.</summary>
    /// <param name="console">Where to write.</param>
    /// <param name="error">The failure.</param>
    /// <param name="verbose">Whether the stack trace follows.</param>
    public static int Write(CliConsole console, Exception error, bool verbose)
    {
        // The reader of our output has gone (`| head`): nobody is left to tell, and nothing is wrong.
        if (error is OutputClosedException)
        {
            return ExitCode.Ok;
        }

        int code = CodeOf(error);
        if (code != ExitCode.Interrupted)
        {
            console.WriteError(Describe(error));
        }

        if (verbose)
        {
            console.Error.WriteLine(error.ToString());
        }

        return code;
    }

    /// <summary>The message for a person, on one line.</summary>
    public static string Describe(Exception error) => OneLine(error switch
    {
        CliException or GgufException or EngineException or QuantizerException => error.Message,
        OptionException option => OptionFlags.Describe(option),
        ListenException listen => OptionFlags.Describe(listen),
        RpcException rpc => DescribeRpc(rpc.Status),
        UnauthorizedAccessException or IOException => error.Message,
        PlatformNotSupportedException => error.Message, // an instruction set that is unknown, or that this processor has not
        InsufficientMemoryException => error.Message, // found before anything was taken
        OutOfMemoryException => "out of memory; use a smaller model, or a smaller --context or --kv f16",
        _ => $"unexpected {error.GetType().Name}: {error.Message} (--verbose shows where)",
    });

    /// <summary>Why a call failed: the socket's own words where it did not get through, else the server's.</summary>
    public static string Reason(Status status) =>
        status is { StatusCode: StatusCode.Unavailable or StatusCode.Internal, DebugException: { } cause } ? cause.GetBaseException().Message : status.Detail;

    private static int CodeOf(Exception error) => error switch
    {
        CliException known => known.Code,
        OptionException { Option: nameof(ModelSettings.RepackCache) } => ExitCode.Usage,
        OperationCanceledException => ExitCode.Interrupted,
        RpcException { StatusCode: StatusCode.Cancelled } => ExitCode.Interrupted,
        _ => ExitCode.Failure,
    };

    private static string DescribeRpc(Status status) => status.StatusCode switch
    {
        StatusCode.Unavailable => $"the server cannot be reached or is stopping: {Reason(status)}",
        StatusCode.ResourceExhausted => $"the server has no room for this request: {status.Detail}",
        StatusCode.Unimplemented => $"the server does not offer this call; is it llmserve? {status.Detail}",
        _ => $"the server answered {status.StatusCode}: {status.Detail}",
    };

    private static string OneLine(string message) => message.ReplaceLineEndings(" ").Trim();
}
