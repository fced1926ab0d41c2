package iluma.sandbox;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.UnaryOperator;
import javax.net.ssl.SSLContext;

/** A sandbox of {@link #start} or {@link #connect}. It stops at the end of a {@code try} block. */
public final class Sandbox implements AutoCloseable {
    /** The API key in the provider's documentation. Every sandbox accepts it, and everybody who uses it shares its world. */
    public static final String DOCUMENTED_API_KEY =
            "iluma_development_FX4f0M5sxDgk5qFyZnk60ZengAfA9o31x3ecd29vihjc4VhyJ8FclZhHjjw";

    private static final Set<String> TOKEN_ERRORS = Set.of("control_token_required", "wrong_control_token");
    private static final String NAME_THE_TOKEN = ". Set ILUMA_SANDBOX_CONTROL_TOKEN, or pass `controlToken`";

    private final String apiKey;
    private final String callbackToken;
    private final String caPem;
    private final SSLContext sslContext;
    private final Control control;
    private final SandboxProcess process;

    private Sandbox(
            Control control, String apiKey, String callbackToken, String caPem, SSLContext trust, SandboxProcess process) {
        this.control = control;
        this.apiKey = apiKey;
        this.callbackToken = callbackToken;
        this.caPem = caPem;
        this.sslContext = trust;
        this.process = process;
    }

    /** Starts a sandbox on a free port, and returns when it is ready. */
    public static Sandbox start() {
        return start(new SandboxOptions());
    }

    /** The same with options. If it does not start, throws a {@code SandboxException} with its error. */
    public static Sandbox start(SandboxOptions options) {
        return start(options, Sandbox::variable);
    }

    static Sandbox start(SandboxOptions options, UnaryOperator<String> variables) {
        Path binary = Binary.find(options.binary(), variables);
        List<String> command = new ArrayList<>(options.command());
        Path authority = options.isTls() ? SandboxProcess.temporaryFolder("iluma-sandbox-ca-") : null;
        try {
            if (authority != null) {
                command.addAll(List.of("--tls", "--ca-dir", authority.toString()));
            }
            SandboxProcess process = SandboxProcess.start(binary, command, options.log(), options.timeout());
            Map<String, Object> ready = process.ready();
            String caPem = ready.get("ca_file") instanceof String file ? readCertificate(file) : null;
            SSLContext trust = Control.trust(caPem);
            Control control = Control.of((String) ready.get("url"), (String) ready.get("control_token"), trust);
            String apiKey = (String) ready.get("api_key");
            return new Sandbox(control, apiKey, (String) ready.get("callback_token"), caPem, trust, process);
        } finally {
            if (authority != null) {
                SandboxProcess.delete(authority);
            }
        }
    }

    /**
     * Connects to a running sandbox, such as a sidecar in CI, with the variables that the commands of the sandbox read: {@code
     * ILUMA_SANDBOX_URL}, {@code ILUMA_SANDBOX_CONTROL_TOKEN}, {@code ILUMA_SANDBOX_API_KEY} and {@code ILUMA_SANDBOX_CA_FILE}.
     * {@link #close} does not stop it.
     */
    public static Sandbox connect() {
        return connect(new ConnectOptions());
    }

    /** The same with options, which win over the variables. */
    public static Sandbox connect(ConnectOptions options) {
        return connect(options, Sandbox::variable);
    }

    static Sandbox connect(ConnectOptions options, UnaryOperator<String> variables) {
        String url = first(options.url(), variables.apply("ILUMA_SANDBOX_URL"));
        if (url == null) {
            throw new SandboxException("no URL of a sandbox: set ILUMA_SANDBOX_URL, or pass `url`");
        }
        if (!url.matches("https?://.+")) {
            throw new SandboxException("the URL of a sandbox begins with http:// or https://, and not `" + url + "`");
        }
        String apiKey = first(options.apiKey(), variables.apply("ILUMA_SANDBOX_API_KEY"));
        String caFile = variables.apply("ILUMA_SANDBOX_CA_FILE");
        String caPem = options.caPem() == null && caFile != null ? readCertificate(caFile) : options.caPem();
        SSLContext trust = Control.trust(caPem);
        String token = first(options.controlToken(), variables.apply("ILUMA_SANDBOX_CONTROL_TOKEN"));
        Control control = Control.of(url.replaceAll("/+$", ""), token, trust);
        String key = apiKey == null ? DOCUMENTED_API_KEY : apiKey;
        return new Sandbox(control, key, callbackToken(control.withKey(key)), caPem, trust, null);
    }

    private static String callbackToken(Control control) {
        try {
            return (String) ((Map<?, ?>) control.call("GET", "world", Map.of(), null)).get("callback_token");
        } catch (SandboxException refused) {
            if (refused.error() == null || !TOKEN_ERRORS.contains(refused.error())) {
                throw refused;
            }
            throw new SandboxException(refused.getMessage() + NAME_THE_TOKEN, refused.status(), refused.answer());
        }
    }

    /** The URL of the API: {@code http://127.0.0.1:34567}. */
    public String url() {
        return control.url();
    }

    /** The key of the world that exists from the start. Each test should use its own {@link #world} instead. */
    public String apiKey() {
        return apiKey;
    }

    /** The value of {@code x-callback-token} in callbacks of that world. */
    public String callbackToken() {
        return callbackToken;
    }

    /** The certificate authority that clients must trust, in PEM. Null if the URL is not https. */
    public String caPem() {
        return caPem;
    }

    /** Trust in that authority and in those of the JDK: {@code HttpClient.newBuilder().sslContext(sandbox.sslContext())}. */
    public SSLContext sslContext() {
        return sslContext;
    }

    /** The process, if this object started it. */
    public OptionalLong pid() {
        return process == null ? OptionalLong.empty() : OptionalLong.of(process.pid());
    }

    /** Creates a world with a name of the sandbox. */
    public World world() {
        return created(Map.of());
    }

    /**
     * Creates a world with its own records, counters, callbacks, clock, faults and journal.
     *
     * <p>The key is derived from the seed and the name, so a test that passes its name gets the same ids in every run. A name in
     * use is a {@code SandboxException} with status 409.
     */
    public World world(String name) {
        return created(Map.of("name", Wire.present(name, "name")));
    }

    /** The same, but empties the world of that name if it exists. */
    public World resetWorld(String name) {
        return created(Map.of("name", Wire.present(name, "name"), "reset", true));
    }

    private World created(Map<String, ?> body) {
        Map<?, ?> made = (Map<?, ?>) call("POST", "worlds", Map.of(), body);
        return new World(this, control.withKey((String) made.get("api_key")), made);
    }

    /** A control call without a world: {@code sandbox.call("GET", "coverage")}. */
    public Object call(String method, String path) {
        return call(method, path, Map.of(), null);
    }

    /** The same with a query, and a body unless it is null. The answer is JSON as in {@link Json}, or text. */
    public Object call(String method, String path, Map<String, ?> query, Map<String, ?> body) {
        return control.call(method, path, query, body);
    }

    /** Stops the sandbox of {@link #start}. A second call does nothing. */
    @Override
    public void close() {
        if (process != null) {
            process.stop();
        }
    }

    /** The value of a variable. An empty one counts as not set, as in the commands. */
    static String variable(String name) {
        return first(System.getenv(name), null);
    }

    private static String first(String value, String otherwise) {
        return value == null || value.isEmpty() ? otherwise : value;
    }

    private static String readCertificate(String file) {
        try {
            return Files.readString(Path.of(file));
        } catch (IOException error) {
            throw new SandboxException("the certificate authority cannot be read: " + error, error);
        }
    }
}
