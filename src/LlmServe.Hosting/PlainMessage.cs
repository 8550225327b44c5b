namespace LlmServe.Hosting;

/// <summary>What an exception says, without what .NET adds for programmers.</summary>
internal static class PlainMessage
{
    /// <summary>The message without the parameter's name behind it.</summary>
    public static string Of(ArgumentException error) => error.Message.Split(" (Parameter")[0].TrimEnd('.');
}
