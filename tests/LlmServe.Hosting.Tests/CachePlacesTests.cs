using LlmServe.Cpu;
using LlmServe.Serving;

namespace LlmServe.Hosting.Tests;

public class CachePlacesTests
{
    private static readonly string Home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);

    [Theory]
    [InlineData(null, null, "/xdg", "/xdg/llmserve/repack")]
    [InlineData("auto", "off", "/xdg", "/xdg/llmserve/repack")]
    [InlineData(null, "off", "/xdg", "")]
    [InlineData("OFF", null, "/xdg", "")]
    [InlineData("beside", null, "/xdg", "/models /xdg/llmserve/repack")]
    [InlineData("/some/where", null, "/xdg", "/some/where")]
    [InlineData(null, "/else/where", "/xdg", "/else/where")]
    public void RepackCache_Choice_NamesFolders(string? choice, string? variable, string xdg, string folders)
    {
        Assert.Equal(folders, string.Join(' ', Places(variable, xdg).RepackCache(choice, "/models/model.gguf", Ignore)?.Folders ?? []));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("relative/folder")]
    public void UserFolder_NoXdgFolder_IsBelowHome(string? xdg)
    {
        Assert.Equal(Path.Combine(Home, ".cache", "llmserve", "profiles"), Places(null, xdg).UserFolder("profiles"));
    }

    [Fact]
    public void RepackCache_Folder_IsMadeAbsolute()
    {
        Assert.Equal(Path.GetFullPath("kept"), Places(null, null).RepackCache("kept", "/models/model.gguf", Ignore)!.Folders.Single());
    }

    [Fact]
    public void RepackCache_NoPath_NamesTheOption()
    {
        var error = Assert.Throws<OptionException>(() => Places(null, null).RepackCache("a\0b", "/models/model.gguf", Ignore));

        Assert.Equal(nameof(ModelSettings.RepackCache), error.Option);
    }

    [Theory]
    [InlineData("")]
    [InlineData("  ")]
    public void RepackCache_Empty_NamesTheOption(string choice)
    {
        var error = Assert.Throws<OptionException>(() => Places(null, null).RepackCache(choice, "/models/model.gguf", Ignore));

        Assert.Equal(nameof(ModelSettings.RepackCache), error.Option);
        Assert.Equal("is empty; allowed: auto, off, beside or a folder", error.Message);
    }

    [Fact]
    public void WithProfileCache_NoPlaces_LeavesOptionsAlone()
    {
        var options = new CpuOptions();

        Assert.Null(new ModelLoader().WithProfileCache(options).ProfileCache);
        Assert.Equal(new ProfileCacheOptions("/xdg/llmserve/profiles", true), new ModelLoader(caches: Places(null, "/xdg")).WithProfileCache(options, refresh: true).ProfileCache);
    }

    private static CachePlaces Places(string? repack, string? xdg) => new(name => name switch
    {
        CachePlaces.RepackVariable => repack,
        "XDG_CACHE_HOME" => xdg,
        _ => null,
    });

    private static void Ignore(string note) => Assert.Fail(note);
}
