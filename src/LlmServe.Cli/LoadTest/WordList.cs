namespace LlmServe.Cli.LoadTest;

/// <summary>Everyday English words from which prompts are made.</summary>
internal static class WordList
{
    /// <summary>The words with a space before each, as they stand inside a sentence.</summary>
    public const string Text =
        " apple autumn baker balance basket before between bicycle bird blanket blue boat book bottle branch bread breakfast bridge bright brother"
        + " brush build button camera candle careful carry castle celebrate chair change cheese children choose circle city clean clear climb clock"
        + " cloud coast coffee cold collect colour common compare cook corner country cousin cross curious daily dance daughter decide deep desk"
        + " dinner distance doctor door dream drive early earth east easy edge eight empty engine enjoy evening every explain family farm fast"
        + " father field finger finish fire fish five flat float flower follow forest forget four fresh friend front fruit full garden gate gentle"
        + " give glass gold grain grandmother grass green grow guess guitar half hammer hand happy harbour heavy help high hill history hold home"
        + " honest hope horse hospital hour house idea important inside island jacket join journey juice jump keep kind kitchen knife know ladder"
        + " lake lamp language large late laugh leaf learn leave lemon letter library light listen little lively long lunch machine market master"
        + " meadow measure meet memory middle milk minute mirror modern money month moon morning mother mountain music narrow nature near needle"
        + " neighbour never night nine noise north notebook ocean often orange order outside over paint paper parent park patient pencil people"
        + " piano picture piece plain planet plant plate play pocket poem pond potato present promise proud quarter question quick quiet rabbit"
        + " rain reach read remember rest rice river road roof room round sail salt sand school science season seed seven shadow shape share ship"
        + " shirt shoe shop short silver simple sister six slow small smile snow soft song south spoon spring square stairs star station stone"
        + " story straight street strong student sugar summer sun supper sweet swim table tall teach ten thank thick think three ticket tired"
        + " together tomorrow tower town train travel tree true twelve two umbrella uncle under until valley village violin visit voice wait walk"
        + " wall warm wash watch water week west wheel white wide wild wind window winter wise wonder wood wool word work write year yellow young";
}
