using LlmServe.Cpu;
using Spectre.Console;

namespace LlmServe.Cli.Terminal;

/// <summary>Shows on standard error how far a model is loaded, where a person sees it.</summary>
internal static class LoadProgressBar
{
    /// <summary>Runs <paramref name="load"/> on another thread, so that Ctrl-C ends the program meanwhile.</summary>
    /// <param name="console">The bar appears if its standard error is a terminal that takes escape codes; a terminal that takes none gets lines.</param>
    /// <param name="title">What is loaded.</param>
    /// <param name="load">The work; it reports its progress.</param>
    /// <param name="cancellation">Leaves the work behind.</param>
    public static async Task<T> RunAsync<T>(CliConsole console, string title, Func<IProgress<LoadProgress>?, T> load, CancellationToken cancellation)
    {
        if (!console.ErrorHasColour)
        {
            var lines = console.ErrorIsTerminal ? new LoadProgressLines(console.Error, title) : null;
            return await Task.Run(() => load(lines), cancellation).WaitAsync(cancellation);
        }

        return await console.StyledError.Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn())
            .StartAsync(async context =>
            {
                var bar = context.AddTask(Markup.Escape(title), maxValue: 1);
                var progress = new BarProgress(bar, title);
                return await Task.Run(() => load(progress), cancellation).WaitAsync(cancellation);
            });
    }

    private sealed class BarProgress(ProgressTask bar, string title) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value)
        {
            bar.Description = Markup.Escape($"{title}: {value.Step}");
            bar.Value = value.Share;
        }
    }
}
