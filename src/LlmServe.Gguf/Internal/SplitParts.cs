using System.Globalization;
using System.Text.RegularExpressions;

namespace LlmServe.Gguf.Internal;

/// <summary>A model in several files, <c>NAME-00001-of-0000N.gguf</c>: finds and checks the parts after the first.</summary>
internal static unsafe partial class SplitParts
{
    private const string NumberKey = "split.no";
    private const string CountKey = "split.count";
    private const string TensorsKey = "split.tensors.count";

    /// <summary>How many parts a file says its model has; 1 where it says nothing.</summary>
    public static int CountOf(GgufHeader header, string path)
    {
        int count = header.Metadata.GetInt32(CountKey, 1);
        return count is >= 0 and <= 99999
            ? Math.Max(count, 1)
            : throw new GgufException(path, $"metadata key '{CountKey}'", count.ToString(), "0 to 99999");
    }

    /// <summary>Opens parts 1 … count − 1, adding each to <paramref name="parts"/> (so that the caller disposes them) and <paramref name="headers"/>.</summary>
    /// <exception cref="GgufException">The first file is not the first part, or a part is missing or belongs to something else.</exception>
    public static void OpenOthers(int count, List<MappedPart> parts, List<GgufHeader> headers)
    {
        string path = parts[0].Path;
        var name = PartName().Match(System.IO.Path.GetFileName(path));
        int number = headers[0].Metadata.GetInt32(NumberKey, 0);
        if (number != 0)
        {
            string first = name.Success ? PathOf(path, name.Groups[1].Value, 0, count) : "the part whose name says 00001";
            throw new GgufException(path, $"metadata key '{NumberKey}'", $"{number}: part {number + 1L} of {count}", $"0; open the first part: {first}");
        }

        if (!name.Success || name.Groups[2].Value != "00001" || name.Groups[3].Value != Five(count))
        {
            throw new GgufException(path, "file name", $"the first of {count} parts under this name",
                $"a name ending in -00001-of-{Five(count)}.gguf, by which the other parts are found");
        }

        for (int i = 1; i < count; i++)
        {
            string partPath = PathOf(path, name.Groups[1].Value, i, count);
            if (!File.Exists(partPath))
            {
                throw new GgufException($"{partPath}: missing: it is part {i + 1} of {count} of the model; put all parts into one folder.");
            }

            var part = MappedPart.Open(partPath);
            parts.Add(part);
            var header = GgufHeader.Parse(part.Data, part.Length, partPath, i);
            Require(header.Metadata, partPath, NumberKey, i);
            Require(header.Metadata, partPath, CountKey, count);
            headers.Add(header);
        }

        Require(headers[0].Metadata, path, TensorsKey, headers.Sum(header => header.Tensors.Count));
    }

    private static void Require(GgufMetadata metadata, string path, string key, int expected)
    {
        if (!metadata.TryGetInt32(key, out int found) || found != expected)
        {
            string shown = metadata.Contains(key) ? found.ToString() : "nothing";
            throw new GgufException(path, $"metadata key '{key}'", shown, $"{expected}; the parts do not belong together, or one is damaged");
        }
    }

    private static string PathOf(string path, string stem, int number, int count) =>
        System.IO.Path.Combine(System.IO.Path.GetDirectoryName(path) ?? "", $"{stem}-{Five(number + 1)}-of-{Five(count)}.gguf");

    private static string Five(int number) => number.ToString("D5", CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^(.*)-(\d{5})-of-(\d{5})\.gguf$", RegexOptions.CultureInvariant | RegexOptions.Singleline)]
    private static partial Regex PartName();
}
