package iluma.sandbox;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Base64;
import java.util.Map;
import java.util.stream.Collectors;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;

/** A client of the control API, for one world or, without a key, for none. No proxy is used. */
final class Control {
    /** Longer than any answer takes: a request waits 60 s at most, and an advance waits for receivers. */
    private static final Duration TIMEOUT = Duration.ofSeconds(600);

    private final String url;
    private final String controlToken;
    private final String apiKey;
    private final HttpClient client;

    private Control(String url, String controlToken, String apiKey, HttpClient client) {
        this.url = url;
        this.controlToken = controlToken;
        this.apiKey = apiKey;
        this.client = client;
    }

    /** A client without a world. The token may be null. */
    static Control of(String url, String controlToken, SSLContext trust) {
        HttpClient client = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .proxy(HttpClient.Builder.NO_PROXY)
                .sslContext(trust)
                .build();
        return new Control(url, controlToken, null, client);
    }

    /** The same for the world of a key. */
    Control withKey(String key) {
        return new Control(url, controlToken, key, client);
    }

    String url() {
        return url;
    }

    /** The header that chooses the world of a key. */
    static String authorization(String apiKey) {
        return "Basic " + Base64.getEncoder().encodeToString((apiKey + ":").getBytes(StandardCharsets.UTF_8));
    }

    /** The answer of {@code /__sandbox/{path}}: JSON, or text. The body may be null. */
    Object call(String method, String path, Map<String, ?> query, Map<String, ?> body) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url + "/__sandbox/" + encoded(path) + written(query)))
                .timeout(TIMEOUT)
                .header("accept", "application/json");
        if (apiKey != null) {
            request.header("authorization", authorization(apiKey));
        }
        if (controlToken != null) {
            request.header("x-sandbox-control-token", controlToken);
        }
        if (body == null) {
            request.method(method, BodyPublishers.noBody());
        } else {
            request.header("content-type", "application/json").method(method, BodyPublishers.ofString(Json.write(body)));
        }
        return answer(request.build()).contentOrThrow();
    }

    private Answer answer(HttpRequest request) {
        HttpResponse<String> response;
        try {
            response = client.send(request, BodyHandlers.ofString(StandardCharsets.UTF_8));
        } catch (IOException error) {
            throw new SandboxException("the sandbox at " + url + " does not answer: " + error, error);
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new SandboxException("interrupted while the sandbox at " + url + " was answering", error);
        }
        String type = response.headers().firstValue("content-type").orElse("");
        Object content = type.startsWith("application/json") ? json(response.body()) : response.body();
        return new Answer(response.statusCode(), content);
    }

    private Object json(String text) {
        try {
            return Json.read(text);
        } catch (IllegalArgumentException error) {
            throw new SandboxException("what answers at " + url + " is no sandbox: " + error.getMessage(), error);
        }
    }

    private static String encoded(String path) {
        return URLEncoder.encode(path, StandardCharsets.UTF_8).replace("+", "%20").replace("%2F", "/");
    }

    private static String written(Map<String, ?> query) {
        if (query.isEmpty()) {
            return "";
        }
        return query.entrySet().stream()
                .map(one -> encoded(one.getKey()) + "=" + encoded(Wire.present(one.getValue(), one.getKey()).toString()))
                .collect(Collectors.joining("&", "?", ""));
    }

    /** Trust in the authorities of the JDK and, if there is a PEM text, in the one of the sandbox. */
    static SSLContext trust(String caPem) {
        try {
            KeyStore authorities = null; // those of the JDK
            if (caPem != null) {
                authorities = KeyStore.getInstance(KeyStore.getDefaultType());
                authorities.load(null, null);
                add(authorities, caPem);
            }
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, managers(authorities), null);
            return context;
        } catch (IOException | GeneralSecurityException error) {
            throw new SandboxException("the certificate authority cannot be used: " + error.getMessage(), error);
        }
    }

    private static void add(KeyStore authorities, String caPem) throws GeneralSecurityException {
        int count = 0;
        for (TrustManager manager : managers(null)) {
            for (X509Certificate authority : ((X509TrustManager) manager).getAcceptedIssuers()) {
                authorities.setCertificateEntry("jdk-" + count++, authority);
            }
        }
        byte[] pem = caPem.getBytes(StandardCharsets.US_ASCII);
        for (Certificate authority : CertificateFactory.getInstance("X.509").generateCertificates(new ByteArrayInputStream(pem))) {
            authorities.setCertificateEntry("sandbox-" + count++, authority);
        }
    }

    private static TrustManager[] managers(KeyStore authorities) throws GeneralSecurityException {
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(authorities);
        return factory.getTrustManagers();
    }
}
