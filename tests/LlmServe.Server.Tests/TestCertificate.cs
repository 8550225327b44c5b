using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace LlmServe.Server.Tests;

/// <summary>A certificate for 127.0.0.1 that signs itself, made for one test.</summary>
internal static class TestCertificate
{
    /// <summary>Makes one, with its key.</summary>
    /// <param name="days">When it ends, from today on; it began two days before the end.</param>
    public static X509Certificate2 Create(int days = 1)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=llmserve test", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(days - 2), DateTimeOffset.UtcNow.AddDays(days));
    }
}
