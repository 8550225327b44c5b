using LlmServe.Hosting;
using LlmServe.Server;
using LlmServe.Serving;

namespace LlmServe.Cli.App;

/// <summary>Says what is wrong with an option of the libraries in the command line's terms.</summary>
internal static class OptionFlags
{
    private const string OtherAddress = "; choose another --port (0: any free one) or --host";
    private const string OtherPage = "; choose another --metrics-port (0: any free one) or --metrics-host";

    /// <summary>The message for a person, with the flag or the variable that is wrong.</summary>
    public static string Describe(OptionException error) => error.Option switch
    {
        nameof(ModelSettings.Path) => $"--model: {error.Message}",
        nameof(ModelSettings.Draft) => $"--draft: {error.Message}",
        nameof(ModelSettings.RepackCache) => $"--repack-cache: {error.Message}",
        ModelFinder.Variable or CachePlaces.RepackVariable => $"{error.Option}: {error.Message}",
        nameof(ServerOptions.Host) => error.Message + OtherAddress,
        $"{nameof(ServerOptions.Metrics)}.{nameof(MetricsOptions.Host)}" => error.Message + OtherPage,
        _ => error.Message.TrimEnd('.'),
    };

    /// <summary>The message for a person, with the flags that help.</summary>
    public static string Describe(ListenException error) => error.Message + (error.Option == nameof(ServerOptions.Port) ? OtherAddress : OtherPage);
}
