using LlmServe.Cli.Terminal;
using Spectre.Console;

namespace LlmServe.Cli.LoadTest;

/// <summary>Shows on standard error how far the load is, where a person sees it.</summary>
internal static class LoadBar
{
    private static readonly TimeSpan Refresh = TimeSpan.FromMilliseconds(250);

    /// <summary>Waits for <paramref name="work"/>, and shows its progress meanwhile.</summary>
    /// <param name="console">The bar appears only if its standard error is a terminal that takes escape codes.</param>
    /// <param name="title">What runs, asked for again and again.</param>
    /// <param name="share">How much of it is done, 0 … 1.</param>
    /// <param name="work">What runs.</param>
    public static async Task WatchAsync(CliConsole console, Func<string> title, Func<double> share, Task work)
    {
        if (console.ErrorHasColour)
        {
            await console.StyledError.Progress()
                .AutoClear(true)
                .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn())
                .StartAsync(async context =>
                {
                    var bar = context.AddTask(Markup.Escape(title()), maxValue: 1);
                    while (await Task.WhenAny(work, Task.Delay(Refresh)) != work)
                    {
                        bar.Description = Markup.Escape(title());
                        bar.Value = share();
                    }
                });
        }

        await work;
    }
}
