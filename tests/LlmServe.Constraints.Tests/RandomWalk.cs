using System.Numerics;
using LlmServe.Text;

namespace LlmServe.Constraints.Tests;

/// <summary>Writes a text by taking any tokens that a mask allows, and checks on the way that there always is one.</summary>
internal static class RandomWalk
{
    private const int Hurry = 80; // tokens from which on what ends things is preferred

    private static readonly int[] Enders = [.. "\"}],:".SelectMany(c => EmbeddedVocabulary.Tokenizer.Encode(c.ToString()))];

    /// <summary>The text's bytes; null if it had no end after many tokens, which is no fault.</summary>
    public static byte[]? Write(TokenConstraint constraint, Random random, int most = 1500)
    {
        var tokenizer = EmbeddedVocabulary.Tokenizer;
        var cursor = constraint.Start();
        var text = new List<byte>();
        while (!cursor.MustEnd && cursor.Position < most)
        {
            if (cursor.IsComplete && (cursor.Position > Hurry || random.Next(4) == 0))
            {
                return [.. text];
            }

            var forced = cursor.ForcedTokens();
            int token = forced.Length > 0 ? forced[0] : Choose(cursor.Mask(), random, cursor.Position > Hurry);
            Assert.True((cursor.Mask()[token >> 6] >> token & 1) != 0);
            bool isEnd = tokenizer.EndOfGenerationIds.Contains(token);
            Assert.True(cursor.TryAccept(token), $"token {token} of the mask is not accepted after {System.Text.Encoding.UTF8.GetString([.. text])}");
            if (isEnd)
            {
                return [.. text];
            }

            text.AddRange(tokenizer.BytesOf(token));
        }

        return cursor.IsComplete ? [.. text] : null;
    }

    private static int Choose(ReadOnlySpan<ulong> mask, Random random, bool inAHurry)
    {
        if (inAHurry || random.Next(3) == 0)
        {
            foreach (int ender in Enders)
            {
                if ((mask[ender >> 6] >> ender & 1) != 0 && random.Next(8) != 0)
                {
                    return ender;
                }
            }
        }

        int count = 0;
        foreach (ulong word in mask)
        {
            count += BitOperations.PopCount(word);
        }

        Assert.True(count > 0, "no token is allowed");
        int skip = random.Next(count);
        int index = 0;
        while (skip >= BitOperations.PopCount(mask[index]))
        {
            skip -= BitOperations.PopCount(mask[index++]);
        }

        ulong bits = mask[index];
        for (; skip > 0; skip--)
        {
            bits &= bits - 1;
        }

        return (index * 64) + BitOperations.TrailingZeroCount(bits);
    }
}
