using Microsoft.VisualStudio.TestPlatform.ObjectModel;
using Microsoft.VisualStudio.TestPlatform.ObjectModel.Client;

namespace LlmServe.TestLogger;

/// <summary>Shows failed tests as they come, and at the end of a run how many were skipped: a line per reason, in place of a line per test.</summary>
[FriendlyName("summary")]
[ExtensionUri("logger://llmserve/summary")]
public sealed class RunSummary : ITestLogger
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, int> _reasons = new(StringComparer.Ordinal);
    private string _source = "";

    /// <inheritdoc/>
    public void Initialize(TestLoggerEvents events, string testRunDirectory)
    {
        events.TestResult += (_, received) => Count(received.Result);
        events.TestRunComplete += (_, _) => Print();
    }

    private void Count(TestResult result)
    {
        if (result.Outcome == TestOutcome.Failed)
        {
            Console.WriteLine($"  Failed {result.DisplayName}\n{result.ErrorMessage}\n{result.ErrorStackTrace}{string.Concat(result.Messages.Select(message => message.Text))}");
        }

        if (result.Outcome != TestOutcome.Skipped)
        {
            return;
        }

        string? said = result.ErrorMessage ?? result.Messages.FirstOrDefault()?.Text;
        string reason = (said ?? "no reason was given").Split('\n')[0].Trim();
        reason = reason.StartsWith("SKIPPED: ", StringComparison.Ordinal) ? reason["SKIPPED: ".Length..] : reason;
        lock (_lock)
        {
            _source = Path.GetFileNameWithoutExtension(result.TestCase.Source);
            _reasons[reason] = _reasons.GetValueOrDefault(reason) + 1;
        }
    }

    private void Print()
    {
        lock (_lock)
        {
            foreach (var (reason, count) in _reasons)
            {
                Console.WriteLine($"Skipped {count} of {_source}: {reason}");
            }
        }
    }
}
