using System.Globalization;

namespace LlmServe.Constraints.Languages;

/// <summary>Code points by their general category, as the runtime's Unicode tables have them.</summary>
internal static class UnicodeCategories
{
    private static readonly Lazy<CodePointSet[]> ByCategory = new(Collect); // [UnicodeCategory]

    private static readonly (string Short, string Long, UnicodeCategory Category)[] Names =
    [
        ("Lu", "Uppercase_Letter", UnicodeCategory.UppercaseLetter), ("Ll", "Lowercase_Letter", UnicodeCategory.LowercaseLetter),
        ("Lt", "Titlecase_Letter", UnicodeCategory.TitlecaseLetter), ("Lm", "Modifier_Letter", UnicodeCategory.ModifierLetter),
        ("Lo", "Other_Letter", UnicodeCategory.OtherLetter), ("Mn", "Nonspacing_Mark", UnicodeCategory.NonSpacingMark),
        ("Mc", "Spacing_Mark", UnicodeCategory.SpacingCombiningMark), ("Me", "Enclosing_Mark", UnicodeCategory.EnclosingMark),
        ("Nd", "Decimal_Number", UnicodeCategory.DecimalDigitNumber), ("Nl", "Letter_Number", UnicodeCategory.LetterNumber),
        ("No", "Other_Number", UnicodeCategory.OtherNumber), ("Zs", "Space_Separator", UnicodeCategory.SpaceSeparator),
        ("Zl", "Line_Separator", UnicodeCategory.LineSeparator), ("Zp", "Paragraph_Separator", UnicodeCategory.ParagraphSeparator),
        ("Cc", "Control", UnicodeCategory.Control), ("Cf", "Format", UnicodeCategory.Format),
        ("Cs", "Surrogate", UnicodeCategory.Surrogate), ("Co", "Private_Use", UnicodeCategory.PrivateUse),
        ("Cn", "Unassigned", UnicodeCategory.OtherNotAssigned), ("Pc", "Connector_Punctuation", UnicodeCategory.ConnectorPunctuation),
        ("Pd", "Dash_Punctuation", UnicodeCategory.DashPunctuation), ("Ps", "Open_Punctuation", UnicodeCategory.OpenPunctuation),
        ("Pe", "Close_Punctuation", UnicodeCategory.ClosePunctuation), ("Pi", "Initial_Punctuation", UnicodeCategory.InitialQuotePunctuation),
        ("Pf", "Final_Punctuation", UnicodeCategory.FinalQuotePunctuation), ("Po", "Other_Punctuation", UnicodeCategory.OtherPunctuation),
        ("Sm", "Math_Symbol", UnicodeCategory.MathSymbol), ("Sc", "Currency_Symbol", UnicodeCategory.CurrencySymbol),
        ("Sk", "Modifier_Symbol", UnicodeCategory.ModifierSymbol), ("So", "Other_Symbol", UnicodeCategory.OtherSymbol),
    ];

    private static readonly Dictionary<string, string> Groups = new()
    {
        ["Letter"] = "L", ["Mark"] = "M", ["Number"] = "N", ["Punctuation"] = "P", ["punct"] = "P", ["Symbol"] = "S", ["Separator"] = "Z", ["Other"] = "C",
        ["L"] = "L", ["M"] = "M", ["N"] = "N", ["P"] = "P", ["S"] = "S", ["Z"] = "Z", ["C"] = "C",
    };

    /// <summary>The code points of a property, as in <c>\p{Lu}</c>; null if its name is not known.</summary>
    public static CodePointSet? Find(string name)
    {
        string value = name.StartsWith("gc=", StringComparison.Ordinal) ? name[3..]
            : name.StartsWith("General_Category=", StringComparison.Ordinal) ? name["General_Category=".Length..] : name;
        if (Groups.TryGetValue(value, out string? letter))
        {
            return CodePointSet.Of(Names.Where(n => n.Short[0] == letter[0]).SelectMany(n => ByCategory.Value[(int)n.Category].Ranges));
        }

        if (Array.Find(Names, n => n.Short == value || n.Long == value) is { Short: not null } found)
        {
            return ByCategory.Value[(int)found.Category];
        }

        return name switch
        {
            "Any" => CodePointSet.All,
            "ASCII" => CodePointSet.Of(0, 0x7F),
            "Assigned" => ByCategory.Value[(int)UnicodeCategory.OtherNotAssigned].Complement(),
            _ => null,
        };
    }

    private static CodePointSet[] Collect()
    {
        var ranges = new List<CodePointRange>[Names.Length];
        for (int i = 0; i < ranges.Length; i++)
        {
            ranges[i] = [];
        }

        int start = 0;
        for (int codePoint = 1; codePoint <= 0x110000; codePoint++)
        {
            var category = CharUnicodeInfo.GetUnicodeCategory(start);
            if (codePoint == 0x110000 || CharUnicodeInfo.GetUnicodeCategory(codePoint) != category)
            {
                ranges[(int)category].Add(new CodePointRange(start, codePoint - 1));
                start = codePoint;
            }
        }

        return [.. ranges.Select(list => CodePointSet.Of(list))];
    }
}
