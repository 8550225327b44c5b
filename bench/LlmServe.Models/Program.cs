using System.CommandLine;
using System.Globalization;
using LlmServe.Gguf;
using LlmServe.Gguf.Formats;
using LlmServe.Models;

var shape = new Option<string>("--shape") { Description = $"One of {string.Join(", ", ModelDimensions.Named.Keys)} (default 1b); the options below change it", DefaultValueFactory = _ => "1b" };
var format = new Option<string>("--format") { Description = "Format of the matrices (default Q4_0)", DefaultValueFactory = _ => "Q4_0" };
var embedding = new Option<string?>("--embedding-format") { Description = "Format of embedding and output matrix (default: as --format)" };
var seed = new Option<int>("--seed") { Description = "The same seed gives the same file (default 1)", DefaultValueFactory = _ => 1 };
var output = new Option<string?>("--output") { Description = "Where to write (default: a file named for shape and format in the user's cache folder)" };
var force = new Option<bool>("--force") { Description = "Write again what is already there" };
var layers = new Option<int?>("--layers");
var hidden = new Option<int?>("--hidden");
var heads = new Option<int?>("--heads");
var keyHeads = new Option<int?>("--kv-heads");
var headSize = new Option<int?>("--head-size");
var feedForward = new Option<int?>("--ffn");
var vocabulary = new Option<int?>("--vocabulary");
var context = new Option<int?>("--context");
var ropeBase = new Option<float?>("--rope-base");
var untied = new Option<bool>("--untied") { Description = "Give the model an output matrix of its own" };

var command = new RootCommand("Writes models of the llama family with random weights, for benchmarks. Prints the path of the file.")
{
    shape, format, embedding, seed, output, force, layers, hidden, heads, keyHeads, headSize, feedForward, vocabulary, context, ropeBase, untied,
};
command.SetAction(Write);
return command.Parse(args).Invoke();

int Write(ParseResult parsed)
{
    string shapeName = parsed.GetValue(shape)!;
    if (!ModelDimensions.Named.TryGetValue(shapeName, out var named))
    {
        return Fail($"--shape {shapeName} is not known; known are {string.Join(", ", ModelDimensions.Named.Keys)}");
    }

    var dimensions = named with
    {
        Layers = parsed.GetValue(layers) ?? named.Layers,
        Hidden = parsed.GetValue(hidden) ?? named.Hidden,
        Heads = parsed.GetValue(heads) ?? named.Heads,
        KeyHeads = parsed.GetValue(keyHeads) ?? named.KeyHeads,
        HeadSize = parsed.GetValue(headSize) ?? named.HeadSize,
        FeedForward = parsed.GetValue(feedForward) ?? named.FeedForward,
        Vocabulary = parsed.GetValue(vocabulary) ?? named.Vocabulary,
        Context = parsed.GetValue(context) ?? named.Context,
        RopeBase = parsed.GetValue(ropeBase) ?? named.RopeBase,
        Tied = named.Tied && !parsed.GetValue(untied),
    };
    if (!TryFormat(parsed.GetValue(format)!, out var matrices) || !TryFormat(parsed.GetValue(embedding) ?? matrices.Name, out var table))
    {
        return Fail($"--format and --embedding-format know {string.Join(", ", BlockFormat.All.Where(known => known.CanEncode).Select(known => known.Name))}");
    }

    string? path = parsed.GetValue(output);
    if (path is null && dimensions != named)
    {
        return Fail("a model of other sizes than its shape's needs a name: give --output FILE");
    }

    string stem = $"random-{shapeName}-{matrices.Name}{(table == matrices ? "" : $"-{table.Name}")}".ToLowerInvariant();
    path = Path.GetFullPath(path ?? Path.Combine(CacheFolder(), $"{stem}-{parsed.GetValue(seed)}.gguf"));
    var plan = new RandomModelPlan(stem, dimensions, matrices, table, parsed.GetValue(seed));
    if (RandomModel.Problem(plan) is { } problem)
    {
        return Fail(problem);
    }

    if (!File.Exists(path) || parsed.GetValue(force))
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"writing {dimensions.MatrixWeights / 1e6:0} million weights"));
        RandomModel.Save(plan, path);
    }

    Console.WriteLine(path);
    return 0;
}

static bool TryFormat(string name, out BlockFormat format)
{
    format = BlockFormat.All.FirstOrDefault(known => known.CanEncode && known.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
        ?? BlockFormat.Get(GgmlType.F32);
    return format.Name.Equals(name, StringComparison.OrdinalIgnoreCase);
}

// By the XDG base directory specification; a relative value is ignored, as it demands.
static string CacheFolder() => Path.Combine(
    Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } set && Path.IsPathRooted(set)
        ? set : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"),
    "llmserve", "bench");

static int Fail(string message)
{
    Console.Error.WriteLine(message);
    return 1;
}
