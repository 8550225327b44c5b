namespace LlmServe.Constraints.Languages;

/// <summary>How a regular expression is read.</summary>
[Flags]
internal enum RegexFlags
{
    /// <summary>As it stands.</summary>
    None = 0,

    /// <summary>Letters match whatever their case.</summary>
    IgnoreCase = 1,

    /// <summary>A dot matches line ends too.</summary>
    DotMatchesAll = 2,
}
