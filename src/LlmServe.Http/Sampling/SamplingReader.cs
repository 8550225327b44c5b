using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using LlmServe.Engine;
using LlmServe.Serving;

namespace LlmServe.Http;

/// <summary>Reads the sampling options that the APIs share, by the names that each of them has. What is left out is as the server says.</summary>
/// <param name="fields">The request.</param>
/// <param name="defaults">What is left out.</param>
internal sealed class SamplingReader(RequestFields fields, SamplingOptions defaults)
{
    /// <summary>The seed's bits that a number in JSON holds exactly.</summary>
    private const int SeedBits = 53;

    /// <summary>The options. A request that samples without a seed gets one of its own, which the answer reports, so that it can be repeated.</summary>
    /// <param name="mostTemperature">Greatest temperature.</param>
    public SamplingOptions Read(double mostTemperature = 2)
    {
        float temperature = (float?)fields.Number("temperature", 0, mostTemperature) ?? defaults.Temperature;
        return defaults with
        {
            Temperature = temperature,
            TopP = TopP(),
            TopK = fields.Int32("top_k", -1) is { } k ? Math.Max(0, k) : defaults.TopK,
            MinP = (float?)fields.Number("min_p", 0, 1) ?? defaults.MinP,
            RepetitionPenalty = Penalty("repeat_penalty") ?? Penalty("repetition_penalty") ?? defaults.RepetitionPenalty,
            RepetitionWindow = fields.Int32("repeat_last_n", -1) is { } window ? window < 0 ? null : window : defaults.RepetitionWindow,
            FrequencyPenalty = (float?)fields.Number("frequency_penalty", -2, 2) ?? defaults.FrequencyPenalty,
            PresencePenalty = (float?)fields.Number("presence_penalty", -2, 2) ?? defaults.PresencePenalty,
            LogitBias = Bias(),
            Seed = Seed(temperature),
        };
    }

    private float? Penalty(string name) => (float?)fields.Number(name, 1e-3, 1e3);

    /// <summary>0 means the likeliest token alone, as it does elsewhere; the engine's least is above 0.</summary>
    private float TopP() => fields.Number("top_p", 0, 1) is { } p ? p == 0 ? float.Epsilon : (float)p : defaults.TopP;

    private ulong Seed(float temperature)
    {
        // −1 asks for any, as elsewhere.
        if (fields.Integer("seed", -1) is { } seed and >= 0)
        {
            return (ulong)seed;
        }

        return temperature == 0 ? 0 : BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong))) >> (64 - SeedBits);
    }

    private IReadOnlyDictionary<int, float> Bias()
    {
        if (fields.Any("logit_bias") is not { } value)
        {
            return defaults.LogitBias;
        }

        var bias = new Dictionary<int, float>();
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var item in value.EnumerateObject())
                {
                    Add(bias, item.Name, item.Value);
                }

                return bias;
            case JsonValueKind.Array:
                // llama-server's form: pairs of an id and a bias, false for none at all.
                foreach (var pair in value.EnumerateArray())
                {
                    if (pair.ValueKind != JsonValueKind.Array || pair.GetArrayLength() != 2)
                    {
                        throw RequestFields.WrongType(fields.PathOf("logit_bias"), pair, "a pair of a token's id and its bias is");
                    }

                    Add(bias, pair[0].GetRawText(), pair[1]);
                }

                return bias;
            default:
                throw fields.Wrong("logit_bias", value, "an object of tokens' ids and their biases is");
        }
    }

    private void Add(Dictionary<int, float> bias, string id, JsonElement value)
    {
        string place = $"{fields.PathOf("logit_bias")}.{Failure.Shorten(id)}";
        if (!int.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out int token))
        {
            throw Failure.Invalid(place, "is no token's id").ToException();
        }

        bias[token] = value.ValueKind switch
        {
            JsonValueKind.False => float.NegativeInfinity,
            JsonValueKind.Number when value.GetDouble() is >= -100 and <= 100 and var amount => (float)amount,
            _ => throw Failure.Invalid(place, $"is {Failure.Shorten(value.GetRawText())}; allowed is -100 … 100").ToException(),
        };
    }
}
