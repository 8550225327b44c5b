using System.Runtime.CompilerServices;
using LlmServe.Cli.Chat;

namespace LlmServe.Cli.Tests.Support;

/// <summary>Answers from a script, and remembers what it was asked.</summary>
internal sealed class FakeConnection : IChatConnection
{
    private readonly Func<IReadOnlyList<ChatTurn>, IEnumerable<string>> _answer;

    public FakeConnection(Func<IReadOnlyList<ChatTurn>, IEnumerable<string>> answer) => _answer = answer;

    public string Model => "fake model";

    public string? WhyNoChat => null;

    public List<IReadOnlyList<ChatTurn>> Asked { get; } = [];

    /// <summary>Called before each piece; may raise Ctrl-C.</summary>
    public Action<int>? BeforePiece { get; init; }

    public async IAsyncEnumerable<AnswerPiece> ChatAsync(IReadOnlyList<ChatTurn> conversation, [EnumeratorCancellation] CancellationToken cancellation)
    {
        Asked.Add(conversation);
        int count = 0;
        foreach (string piece in _answer(conversation))
        {
            await Task.Yield();
            BeforePiece?.Invoke(count);
            cancellation.ThrowIfCancellationRequested();
            count++;
            yield return new AnswerPiece(piece);
        }

        yield return new AnswerPiece("", new AnswerEnd("stop", 10, 4, count, 0.5, 2));
    }

    public IAsyncEnumerable<AnswerPiece> GenerateAsync(string prompt, CancellationToken cancellation) =>
        ChatAsync([new ChatTurn("raw", prompt)], cancellation);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

/// <summary>Types lines from a list.</summary>
internal sealed class ScriptedLines(params string[] lines) : ILineReader
{
    private int _next;

    public List<string> Prompts { get; } = [];

    public Task<string?> ReadLineAsync(string prompt, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        Prompts.Add(prompt);
        return Task.FromResult(_next < lines.Length ? lines[_next++] : null);
    }
}
