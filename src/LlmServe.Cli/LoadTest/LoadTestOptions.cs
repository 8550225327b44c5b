using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using LlmServe.Cli.App;
using LlmServe.Cli.Options;

namespace LlmServe.Cli.LoadTest;

/// <summary>The options of <c>llmserve loadtest</c> that say what to send.</summary>
internal sealed class LoadTestOptions
{
    private const int VerifyMost = 4096;
    private const int VerifyMostOfSoak = 256;
    private const int RequestsPerStream = 4;

    private delegate bool TryParse<T>(string text, out T value);

    private readonly Option<int?> _streams = OptionFactory.Integer("--streams", "Clients at once, each with its own connection (default 4; with --soak 16)", 1, 1024);
    private readonly Option<int?> _requests = OptionFactory.Integer("--requests", "Requests in all (default: 4 for each stream)", 1);
    private readonly Option<TimeSpan?> _duration = Duration("--duration", "Send requests for this long, such as 30s or 5m");
    private readonly Option<LengthRange?> _prompt = Parsed<LengthRange>(
        "--prompt-tokens", "N", "Lengths of prompts: N, MIN-MAX, or N:SD for a normal distribution (default 128; with --soak 16-400)", LengthRange.TryParse, LengthRange.Allowed);

    private readonly Option<LengthRange?> _output = Parsed<LengthRange>(
        "--output-tokens", "N", "Lengths of answers, likewise (default 64; with --soak 16-200)", LengthRange.TryParse, LengthRange.Allowed);

    private readonly Option<ArrivalPattern?> _arrival = ParsedValue<ArrivalPattern>(
        "--arrival", "PATTERN", "closed: the next request when the last has ended (default); poisson:RATE: at random, RATE per second; burst: all at once, again and again",
        ArrivalPattern.TryParse, ArrivalPattern.Allowed);

    private readonly Option<float?> _cancel = OptionFactory.Number("--cancel", "Share of requests that are cancelled at a random moment (default 0; with --soak 0.2)", 0, 1);
    private readonly Option<float?> _slow = OptionFactory.Number("--slow", "Share of clients that stop reading for a while (default 0; with --soak 0.1)", 0, 1);
    private readonly Option<float?> _disconnect = OptionFactory.Number("--disconnect", "Share of clients that close their connection (default 0; with --soak 0.05)", 0, 1);
    private readonly Option<ulong?> _seed = OptionFactory.Key("--seed", "Key of all random choices; the same seed sends the same requests (default 0)");
    private readonly Option<int?> _prefix = OptionFactory.Integer("--shared-prefix", "Tokens that all prompts begin with, before their own (default 0)", 0, LengthRange.Limit);
    private readonly Option<int?> _long = OptionFactory.Integer(
        "--long-prompt", "Send one prompt of this many tokens in the middle, and report what it costs the others and itself", 1, LengthRange.Limit);

    private readonly Option<bool> _baseline = OptionFactory.Switch("--baseline", "Measure one stream first, and report the ratio");
    private readonly Option<bool> _health = OptionFactory.Switch("--health", "Ask for the server's health every 100 ms meanwhile, and report how long it takes");
    private readonly Option<bool> _verify = OptionFactory.Switch("--verify", "Afterwards ask for each finished answer again, alone, and compare token ids");
    private readonly Option<TimeSpan?> _soak = Duration(
        "--soak", "Mixed load for this long, such as 30m, with cancels, pauses and disconnects; watches memory and KV blocks, which must be back at the end");

    /// <summary>Print JSON.</summary>
    public Option<bool> Json { get; } = OptionFactory.Switch("--json", "Print one JSON object");

    /// <summary>Adds the options to <paramref name="command"/>.</summary>
    public static LoadTestOptions AddTo(Command command, Option<string?> server)
    {
        var options = new LoadTestOptions();
        Option[] all =
        [
            options._streams, options._requests, options._duration, options._prompt, options._output, options._arrival, options._cancel, options._slow,
            options._disconnect, options._seed, options._prefix, options._long, options._baseline, options._health, options._verify, options._soak, options.Json,
        ];
        foreach (var option in all)
        {
            command.Options.Add(option);
        }

        command.Validators.Add(result => options.Check(result, server));
        return options;
    }

    /// <summary>What the command line says.</summary>
    /// <exception cref="CliException">More than all clients are to misbehave.</exception>
    public LoadTestPlan Read(ParseResult parsed)
    {
        var soak = parsed.GetValue(_soak);
        bool soaking = soak is not null;
        int streams = parsed.GetValue(_streams) ?? (soaking ? 16 : 4);
        var duration = soak ?? parsed.GetValue(_duration);
        return Checked(new LoadTestPlan
        {
            Streams = streams,
            Requests = parsed.GetValue(_requests) ?? (duration is null ? RequestsPerStream * streams : (long?)null),
            Duration = duration,
            PromptTokens = parsed.GetValue(_prompt) ?? (soaking ? new LengthRange(16, 400) : LengthRange.Always(128)),
            OutputTokens = parsed.GetValue(_output) ?? (soaking ? new LengthRange(16, 200) : LengthRange.Always(64)),
            Arrival = parsed.GetValue(_arrival) ?? default,
            CancelShare = parsed.GetValue(_cancel) ?? (soaking ? 0.2 : 0),
            SlowShare = parsed.GetValue(_slow) ?? (soaking ? 0.1 : 0),
            DisconnectShare = parsed.GetValue(_disconnect) ?? (soaking ? 0.05 : 0),
            Seed = parsed.GetValue(_seed) ?? 0,
            SharedPrefix = parsed.GetValue(_prefix) ?? 0,
            LongPrompt = parsed.GetValue(_long) ?? 0,
            Baseline = parsed.GetValue(_baseline),
            Health = parsed.GetValue(_health) || soaking,
            Verify = soaking ? VerifyMostOfSoak : parsed.GetValue(_verify) ? VerifyMost : 0,
            Soak = soaking,
        });
    }

    private void Check(CommandResult result, Option<string?> server)
    {
        if (result.GetResult(_soak) is not null)
        {
            Option[] others = [server, _duration];
            foreach (var option in others.Where(option => result.GetResult(option) is { Implicit: false }))
            {
                result.AddError(option == server
                    ? "--soak cannot be combined with --server; it watches a server in this process"
                    : $"--soak cannot be combined with {option.Name}; it says itself how long it takes");
            }
        }
    }

    private static LoadTestPlan Checked(LoadTestPlan plan)
    {
        float shares = (float)(plan.CancelShare + plan.SlowShare + plan.DisconnectShare);
        return shares <= 1 ? plan : throw new CliException(
            $"--cancel, --slow and --disconnect are {shares.ToString(CultureInfo.InvariantCulture)} together{(plan.Soak ? ", with those that --soak sets" : "")}; "
            + "allowed is at most 1", ExitCode.Usage);
    }

    private static Option<TimeSpan?> Duration(string name, string description) => ParsedValue<TimeSpan>(
        name, "TIME", description, TryDuration, "a time such as 20s, 5m or 1h, from 0.001s to 7 days (168h)");

    private static bool TryDuration(string text, out TimeSpan value)
    {
        value = default;
        double unit = text.Length == 0 ? 0 : text[^1] switch { 's' => 1, 'm' => 60, 'h' => 3600, _ => 0 };
        if (unit == 0 || !double.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number))
        {
            return false;
        }

        bool allowed = number * unit is >= 0.001 and <= 7 * 24 * 3600;
        value = allowed ? TimeSpan.FromSeconds(number * unit) : default;
        return allowed;
    }

    private static Option<T?> ParsedValue<T>(string name, string help, string description, TryParse<T> parse, string allowed) where T : struct => new(name)
    {
        Description = description,
        HelpName = help,
        CustomParser = result => Parse(result, name, parse, allowed, out var value) ? value : null,
    };

    private static Option<T?> Parsed<T>(string name, string help, string description, TryParse<T> parse, string allowed) where T : class => new(name)
    {
        Description = description,
        HelpName = help,
        CustomParser = result => Parse(result, name, parse, allowed, out var value) ? value : null,
    };

    private static bool Parse<T>(ArgumentResult result, string name, TryParse<T> parse, string allowed, out T value)
    {
        string text = result.Tokens.Count > 0 ? result.Tokens[0].Value : "";
        bool parsed = parse(text, out value);
        if (!parsed)
        {
            result.AddError($"{name}: found '{text}', allowed is {allowed}");
        }

        return parsed;
    }
}
