namespace LlmServe.Conversation.Formats;

/// <summary>How a family writes calls as marked-up parameters.</summary>
/// <param name="CallOpen">Before the tool's name.</param>
/// <param name="NameEnd">Behind it.</param>
/// <param name="KeyOpen">Before a parameter's name.</param>
/// <param name="KeyEnd">Behind it.</param>
/// <param name="ValueClose">Behind its value.</param>
/// <param name="CallClose">Behind the call.</param>
internal sealed record ParameterShape(string CallOpen, string NameEnd, string KeyOpen, string KeyEnd, string ValueClose, string CallClose)
{
    /// <summary>The mark around one or several calls; null for none.</summary>
    public string? BlockOpen { get; init; }

    /// <summary>The mark behind them.</summary>
    public string? BlockClose { get; init; }

    /// <summary>What stands between a parameter's name and its value, white space before it not counted.</summary>
    public string ValueOpen { get; init; } = "";

    /// <summary>Whether a line break at each end of a value does not belong to it.</summary>
    public bool TrimsBreaks { get; init; }

    /// <summary>Whether <c>string="true|false"</c> behind a parameter's name says how its value is written.</summary>
    public bool SaysKind { get; init; }

    /// <summary>Whether a call is recognised without the block's opening mark, which models lose.</summary>
    public bool MayLoseBlockOpen { get; init; }

    /// <summary>What stands between marks where models break lines.</summary>
    public string Line { get; init; } = "\n";

    /// <summary>Whether several calls stand in one block; else each has its own.</summary>
    public bool HasSeveralInBlock { get; init; }

    /// <summary>Whether text values may stand in a CDATA section.</summary>
    public bool HasCdata { get; init; }

    /// <summary>Everything that a vocabulary may have control tokens for.</summary>
    public IEnumerable<string> Marks => new[] { BlockOpen, BlockClose, CallOpen, KeyOpen, KeyEnd, ValueOpen, ValueClose, CallClose }
        .OfType<string>().Where(mark => mark.StartsWith('<') && mark.EndsWith('>')).Distinct(StringComparer.Ordinal);
}
