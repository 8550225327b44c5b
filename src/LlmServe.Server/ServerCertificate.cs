using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using LlmServe.Serving;

namespace LlmServe.Server;

/// <summary>The certificate that a server shows over TLS, with its private key and the certificates between it and its root.</summary>
public sealed class ServerCertificate
{
    private ServerCertificate(X509Certificate2 leaf, X509Certificate2Collection chain)
    {
        Leaf = leaf;
        Chain = chain;
    }

    /// <summary>The server's own certificate, with its private key.</summary>
    public X509Certificate2 Leaf { get; }

    /// <summary>The certificates that lead from <see cref="Leaf"/> towards its root; may be empty.</summary>
    public X509Certificate2Collection Chain { get; }

    /// <summary>Takes a certificate from memory.</summary>
    /// <exception cref="ArgumentException">It has no private key.</exception>
    public static ServerCertificate From(X509Certificate2 certificate) => certificate.HasPrivateKey
        ? new ServerCertificate(certificate, [])
        : throw new ArgumentException("The certificate has no private key; a server needs it to prove that the certificate is its own.", nameof(certificate));

    /// <summary>Reads PEM files.</summary>
    /// <param name="certificateFile">The server's certificate first, then those between it and its root.</param>
    /// <param name="keyFile">The private key.</param>
    /// <param name="password">What an encrypted key is encrypted with; null: it is not.</param>
    /// <exception cref="OptionException">A file is not what it should be; the message names it.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static ServerCertificate FromPem(string certificateFile, string keyFile, string? password = null)
    {
        string certificates = ReadText(certificateFile);
        string key = ReadText(keyFile);
        try
        {
            var chain = new X509Certificate2Collection();
            chain.ImportFromPem(certificates);
            using var leaf = password is null
                ? X509Certificate2.CreateFromPem(certificates, key)
                : X509Certificate2.CreateFromEncryptedPem(certificates, key, password);
            chain.RemoveAt(0);
            // Some platforms' TLS cannot use a key that is in memory alone; a round trip through PKCS #12 gives one that it can.
            return new ServerCertificate(X509CertificateLoader.LoadPkcs12(leaf.Export(X509ContentType.Pkcs12), null), chain);
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException)
        {
            throw new OptionException(
                nameof(ServerOptions.Certificate),
                $"The TLS certificate {certificateFile} with the key {keyFile} cannot be used: {error.Message.Split(" (Parameter")[0].TrimEnd('.')}. Both must be "
                + "PEM files, the key must belong to the first certificate, and a password goes with a key that begins with 'BEGIN ENCRYPTED PRIVATE KEY', and only with it.", error);
        }
    }

    /// <summary>Reads a PKCS #12 file (.pfx, .p12), which has the certificates and the key.</summary>
    /// <exception cref="OptionException">The file is no such file, or the password is wrong.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static ServerCertificate FromPfx(string file, string? password = null)
    {
        byte[] bytes = Read(file, File.ReadAllBytes);
        try
        {
            var all = X509CertificateLoader.LoadPkcs12Collection(bytes, password);
            var leaf = all.FirstOrDefault(certificate => certificate.HasPrivateKey) ?? throw new CryptographicException("it has no private key");
            all.Remove(leaf);
            return new ServerCertificate(leaf, all);
        }
        catch (CryptographicException error)
        {
            throw new OptionException(
                nameof(ServerOptions.Certificate),
                $"The PKCS #12 file {file} cannot be used: {error.Message.TrimEnd('.')}. Check the file and its password.", error);
        }
    }

    private static string ReadText(string file) => Read(file, File.ReadAllText);

    private static T Read<T>(string file, Func<string, T> read)
    {
        try
        {
            return read(file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new IOException($"The TLS file {file} cannot be read: {error.Message}", error);
        }
    }
}
