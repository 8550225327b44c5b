using System.Collections.Concurrent;
using LlmServe.Constraints.Automata;
using LlmServe.Constraints.Languages;

namespace LlmServe.Constraints.Schemas;

/// <summary>
/// The formats of JSON Schema as languages. Each is at most what its specification allows; where that is intricate (leap seconds, quoted e-mail names,
/// international names), it is a plain part of it. Other formats are annotations.
/// </summary>
internal static class TextFormats
{
    private const string Date =
        "(?:\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8]))"
        + "|(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)";

    private const string Time = "(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,9})?(?:Z|[+-](?:[01]\\d|2[0-3]):[0-5]\\d)";

    private const string DurationTime = "T(?:\\d{1,9}H(?:\\d{1,9}M(?:\\d{1,9}S)?)?|\\d{1,9}M(?:\\d{1,9}S)?|\\d{1,9}S)";

    private const string Duration =
        "P(?:\\d{1,9}W|(?:\\d{1,9}Y(?:\\d{1,9}M(?:\\d{1,9}D)?)?|\\d{1,9}M(?:\\d{1,9}D)?|\\d{1,9}D)(?:" + DurationTime + ")?|" + DurationTime + ")";

    private const string Ipv4 = "(?:(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)\\.){3}(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";

    // Labels have no two dashes in a row: those with two in the third and fourth place are encodings that would have to be decoded.
    private const string ShortLabel = "[A-Za-z0-9](?:-?[A-Za-z0-9]){0,14}";

    private const string Hostname = ShortLabel + "(?:\\." + ShortLabel + "){0,7}";

    private const string EmailAtom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]";

    private const string Email = EmailAtom + "{1,30}(?:\\." + EmailAtom + "{1,15}){0,2}@" + ShortLabel + "(?:\\." + ShortLabel + "){1,4}";

    private const string PathChar = "(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})";

    private const string Authority = "(?:[A-Za-z0-9._~-]{1,32}@)?[A-Za-z0-9](?:[A-Za-z0-9._~-]*[A-Za-z0-9])?(?::[1-9]\\d{0,3})?";

    private const string Tail = "(?:\\?(?:" + PathChar + "|[/?])*)?(?:#(?:" + PathChar + "|[/?])*)?";

    private const string AbsoluteUri =
        "[A-Za-z][A-Za-z0-9+.-]*:(?://" + Authority + "(?:/" + PathChar + "*)*|" + PathChar + "+(?:/" + PathChar + "*)*)" + Tail;

    private const string UriReference = "(?:" + AbsoluteUri + "|/?(?:[A-Za-z0-9._~-]+(?:/" + PathChar + "*)*)?" + Tail + ")";

    private const string JsonPointer = "(?:/(?:[^~/]|~[01])*)*";

    private static readonly Dictionary<string, string> Patterns = new()
    {
        ["date"] = Date,
        ["time"] = Time,
        ["date-time"] = Date + "T" + Time,
        ["duration"] = Duration,
        ["uuid"] = "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
        ["ipv4"] = Ipv4,
        ["ipv6"] = Ipv6(),
        ["hostname"] = Hostname,
        ["idn-hostname"] = Hostname,
        ["email"] = Email,
        ["idn-email"] = Email,
        ["uri"] = AbsoluteUri,
        ["iri"] = AbsoluteUri,
        ["uri-reference"] = UriReference,
        ["iri-reference"] = UriReference,
        ["uri-template"] = UriReference,
        ["json-pointer"] = JsonPointer,
        ["relative-json-pointer"] = "(?:0|[1-9]\\d{0,8})(?:#|" + JsonPointer + ")",
        ["regex"] = "(?:[A-Za-z0-9 _,;:@/-]|\\\\[dDwWsS.])*",
    };

    private static readonly ConcurrentDictionary<string, Language> Compiled = new();

    /// <summary>The language of a format; null for a format that is not known.</summary>
    public static Language? Find(string name) => Patterns.TryGetValue(name, out string? pattern) ? Compiled.GetOrAdd(name, _ => Compile(name, pattern)) : null;

    private static Language Compile(string name, string pattern)
    {
        var meter = new WorkMeter(ConstraintLimits.Default);
        return RegexCompiler.Compile(RegexParser.Parse(pattern, name), name, search: false, meter);
    }

    /// <summary>Eight groups, or fewer around one '::'; the last two may be written as an IPv4 address.</summary>
    private static string Ipv6()
    {
        const string Group = "[0-9A-Fa-f]{1,4}";
        const string LastTwo = "(?:" + Group + ":" + Group + "|" + Ipv4 + ")";
        var forms = new List<string> { $"(?:{Group}:){{6}}{LastTwo}" };
        for (int before = 0; before <= 7; before++)
        {
            string left = before == 0 ? "" : $"{Group}(?::{Group}){{{before - 1}}}";
            int most = 7 - before;
            string right = most == 0 ? "" : $"(?:{Group}(?::{Group}){{0,{most - 1}}})?";
            forms.Add($"{left}::{right}");
            if (most >= 2)
            {
                forms.Add($"{left}::(?:{Group}:){{0,{most - 2}}}{Ipv4}");
            }
        }

        return "(?:" + string.Join('|', forms) + ")";
    }
}
