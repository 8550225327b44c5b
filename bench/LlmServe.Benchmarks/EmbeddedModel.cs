namespace LlmServe.Benchmarks;

/// <summary>The model in the repository.</summary>
internal static class EmbeddedModel
{
    private static readonly string Name = System.IO.Path.Combine("models", "smollm2-135m-instruct", "SmolLM2-135M-Instruct.Q4_1.gguf");

    /// <summary>Where it is.</summary>
    public static string Path
    {
        get
        {
            for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            {
                string path = System.IO.Path.Combine(folder.FullName, Name);
                if (File.Exists(path))
                {
                    return path;
                }
            }

            throw new FileNotFoundException($"{Name} was not found above {AppContext.BaseDirectory}; run from a clone");
        }
    }
}
