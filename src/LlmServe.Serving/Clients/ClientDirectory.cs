using System.Security.Cryptography;
using System.Text;

namespace LlmServe.Serving;

/// <summary>The clients of a server: the owners of its API keys, or the addresses that call it where it has none. Thread-safe.</summary>
public sealed class ClientDirectory
{
    /// <summary>Key texts and hashes live on the stack, so longer texts are refused unread.</summary>
    private const int LongestText = ApiKey.LongestKey + 16;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, ServedClient> _addresses = new(StringComparer.Ordinal); // guarded by _lock
    private ServedClient[] _owners;

    /// <summary>The owners of these keys; with none, everybody is a client by his address.</summary>
    internal ClientDirectory(IReadOnlyList<ApiKey> keys) => _owners = [.. keys.Select(key => new ServedClient(key))];

    /// <summary>Whether a call needs a key.</summary>
    public bool AsksForKeys => Volatile.Read(ref _owners).Length > 0;

    /// <summary>The owner of a key; null: nobody. Every key is compared, so that the time says nothing about which of them is near.</summary>
    /// <param name="key">What the client sent.</param>
    public ServedClient? FindByKey(ReadOnlySpan<char> key)
    {
        key = key.Trim();
        if (key.Length is 0 or > LongestText)
        {
            return null;
        }

        Span<byte> bytes = stackalloc byte[LongestText * 3];
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes[..Encoding.UTF8.GetBytes(key, bytes)], hash);
        ServedClient? found = null;
        foreach (var owner in Volatile.Read(ref _owners))
        {
            if (owner.Key!.Matches(hash))
            {
                found = owner;
            }
        }

        return found;
    }

    /// <summary>The client of an address, on a server without keys. It is the same object while any of its calls runs.</summary>
    public ServedClient OfAddress(string address)
    {
        lock (_lock)
        {
            return _addresses.GetValueOrDefault(address) ?? new ServedClient(address);
        }
    }

    /// <summary>Replaces the keys. Calls that run go on, and a key of the same name keeps what is counted.</summary>
    /// <exception cref="OptionException">One of them is not allowed, or there would be none any more (or some for the first time).</exception>
    public void Replace(IReadOnlyList<ApiKey> keys)
    {
        Validate(keys);
        lock (_lock)
        {
            if (keys.Count > 0 != AsksForKeys)
            {
                throw new OptionException(
                    nameof(ServingOptions.ApiKeys), keys.Count == 0 ? "There are no API keys any more; a server that asked for keys goes on asking."
                        : "A server that was started without API keys cannot begin to ask for them; restart it.");
            }

            var known = _owners.ToDictionary(owner => owner.Name, StringComparer.Ordinal);
            foreach (var key in keys)
            {
                if (known.TryGetValue(key.Name, out var owner))
                {
                    owner.Key = key;
                }
            }

            Volatile.Write(ref _owners, [.. keys.Select(key => known.GetValueOrDefault(key.Name) ?? new ServedClient(key))]);
        }
    }

    /// <summary>Throws if a key is not allowed, or two are alike.</summary>
    internal static void Validate(IReadOnlyList<ApiKey> keys)
    {
        foreach (var key in keys)
        {
            key.Validate();
        }

        // Limits are counted per key and logs tell keys apart by name.
        if (keys.GroupBy(key => key.Name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } names)
        {
            throw new OptionException(nameof(ServingOptions.ApiKeys), $"Two API keys have the name '{names.Key}'; names must differ.");
        }

        if (keys.GroupBy(key => key.Sha256, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twins)
        {
            throw new OptionException(
                nameof(ServingOptions.ApiKeys), $"{string.Join(" and ", twins.Select(key => $"'{key.Name}'"))} are the same API key; keys must differ.");
        }
    }

    /// <summary>One of a client's calls begins.</summary>
    internal void Enter(ServedClient client)
    {
        lock (_lock)
        {
            client.Calls++;
            if (client.Key is null)
            {
                _addresses.TryAdd(client.Name, client);
            }
        }
    }

    /// <summary>One of a client's calls has ended.</summary>
    internal void Leave(ServedClient client)
    {
        lock (_lock)
        {
            if (--client.Calls == 0 && client.Key is null && _addresses.GetValueOrDefault(client.Name) == client)
            {
                _addresses.Remove(client.Name);
            }
        }
    }
}
