using LlmServe.Testing.Fakes;
using LlmServe.Text;

namespace LlmServe.Engine.Tests;

/// <summary>A tokenizer that calls <paramref name="onBytes"/>, which may throw, before it says what a token is.</summary>
internal sealed class FaultyTokenizer(FakeTokenizer inner, Action onBytes) : ITokenizer
{
    public int VocabularySize => inner.VocabularySize;

    public int? BosId => inner.BosId;

    public int? EosId => inner.EosId;

    public IReadOnlySet<int> EndOfGenerationIds => inner.EndOfGenerationIds;

    public bool StripsLeadingSpace => inner.StripsLeadingSpace;

    public void Encode(string text, bool addSpecial, IReadOnlyList<TextSpan> literal, List<int> ids, CancellationToken cancellation = default) =>
        inner.Encode(text, addSpecial, literal, ids, cancellation);

    public ReadOnlySpan<byte> BytesOf(int id)
    {
        onBytes();
        return inner.BytesOf(id);
    }

    public string PieceOf(int id) => inner.PieceOf(id);

    public TokenKind KindOf(int id) => inner.KindOf(id);
}
