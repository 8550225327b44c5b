namespace LlmServe.Constraints.Languages;

/// <summary>Hexadecimal digits in text.</summary>
internal static class HexDigits
{
    /// <summary>Whether all characters are hexadecimal digits.</summary>
    public static bool ContainsOnlyHex(this ReadOnlySpan<char> text)
    {
        foreach (char c in text)
        {
            if (!char.IsAsciiHexDigit(c))
            {
                return false;
            }
        }

        return true;
    }
}
