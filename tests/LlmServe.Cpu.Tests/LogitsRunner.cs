using System.Runtime.InteropServices;
using System.Security.Cryptography;
using LlmServe.Compiler;

namespace LlmServe.Cpu.Tests;

/// <summary>Feeds token sequences to an executor and collects the logits of every position.</summary>
internal static class LogitsRunner
{
    /// <summary>Logits of all positions, prompt in pieces of <paramref name="chunk"/>. [ids, vocabulary]</summary>
    public static float[] Run(IProgramExecutor executor, int[] ids, int chunk, int slot = 0)
    {
        int vocabulary = executor.Model.VocabularySize;
        float[] logits = new float[ids.Length * vocabulary];
        AssignBlocks(executor, slot, ids.Length, slot * executor.Rows.BlocksPerSlot % executor.KvBlockCount);
        for (int start = 0; start < ids.Length; start += chunk)
        {
            int count = Math.Min(chunk, ids.Length - start);
            executor.Rows.Clear();
            for (int i = 0; i < count; i++)
            {
                executor.Rows.Add(slot, start + i, ids[start + i], wantsLogits: true);
            }

            executor.RunTick();
            for (int i = 0; i < count; i++)
            {
                executor.Logits(i).CopyTo(logits.AsSpan((start + i) * vocabulary, vocabulary));
            }
        }

        return logits;
    }

    /// <summary>Gives a slot the blocks for some positions, in descending order so that a mix-up of blocks shows.</summary>
    public static void AssignBlocks(IProgramExecutor executor, int slot, int positions, int first)
    {
        int count = KvBlock.CountFor(positions);
        for (int i = 0; i < count; i++)
        {
            executor.Rows.BlockTable(slot)[i] = first + count - 1 - i;
        }
    }

    /// <summary>SHA-256 of the little-endian bytes.</summary>
    public static string Digest(ReadOnlySpan<float> logits) => Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(logits)));
}
