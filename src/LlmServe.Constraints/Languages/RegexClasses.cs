namespace LlmServe.Constraints.Languages;

/// <summary>The classes of ECMA-262 that have a letter.</summary>
internal static class RegexClasses
{
    /// <summary><c>\d</c></summary>
    public static CodePointSet Digit { get; } = CodePointSet.Of('0', '9');

    /// <summary><c>\w</c></summary>
    public static CodePointSet Word { get; } =
        CodePointSet.Of(new CodePointRange('0', '9'), new CodePointRange('A', 'Z'), new CodePointRange('_', '_'), new CodePointRange('a', 'z'));

    /// <summary><c>\s</c>: WhiteSpace and LineTerminator.</summary>
    public static CodePointSet Space { get; } = CodePointSet.Of(
        new CodePointRange('\t', '\r'), new CodePointRange(' ', ' '), new CodePointRange(0xA0, 0xA0), new CodePointRange(0x1680, 0x1680),
        new CodePointRange(0x2000, 0x200A), new CodePointRange(0x2028, 0x2029), new CodePointRange(0x202F, 0x202F), new CodePointRange(0x205F, 0x205F),
        new CodePointRange(0x3000, 0x3000), new CodePointRange(0xFEFF, 0xFEFF));

    /// <summary><c>.</c>: all but line ends.</summary>
    public static CodePointSet Dot { get; } =
        CodePointSet.Of(new CodePointRange('\n', '\n'), new CodePointRange('\r', '\r'), new CodePointRange(0x2028, 0x2029)).Complement();
}
