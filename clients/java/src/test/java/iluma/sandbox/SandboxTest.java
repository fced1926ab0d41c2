package iluma.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How a sandbox is found, started and ended. */
class SandboxTest {
    private static final String NAME_THE_TOKEN = "Set ILUMA_SANDBOX_CONTROL_TOKEN, or pass `controlToken`";

    @TempDir
    Path folder;

    @Test
    void aSandboxAnswersUntilItIsStopped() {
        Sandbox sandbox = Sandbox.start();
        assertEquals(Sandbox.DOCUMENTED_API_KEY, sandbox.apiKey());
        assertEquals(Map.of("status", "alive"), sandbox.call("GET", "livez"));
        sandbox.close();
        String message = assertThrows(SandboxException.class, () -> sandbox.call("GET", "livez")).getMessage();
        assertTrue(message.startsWith("the sandbox at " + sandbox.url() + " does not answer"), message);
        sandbox.close();
    }

    @Test
    void seedClockAndScenariosAreThoseThatWereAskedFor() throws IOException {
        Files.createDirectory(folder.resolve("v9"));
        Files.writeString(
                folder.resolve("v9").resolve("greetings.toml"),
                "path = \"/v9/greetings\"\n[outcomes.HELLO]\ndefault = true\nbody = { said = \"{{input.name}}\" }\n");
        SandboxOptions options = new SandboxOptions().seed(7).clock("2026-02-01T00:00:00Z").scenarios(folder);
        try (Sandbox sandbox = Sandbox.start(options);
                World world = sandbox.world("test");
                Sandbox other = Sandbox.start();
                World elsewhere = other.world("test")) {
            assertEquals(Instant.parse("2026-02-01T00:00:00Z"), world.now());
            assertEquals(Map.of("said", "Contoh"), Product.post(world, "/v9/greetings", Map.of("name", "Contoh")).json());
            assertNotEquals(world.apiKey(), elsewhere.apiKey(), "another seed");
        }
    }

    @Test
    void strictAndOtherFlagsArePassedOn() {
        SandboxOptions options = new SandboxOptions().strict().args("--clock", "2026-03-01T00:00:00Z");
        try (Sandbox sandbox = Sandbox.start(options); World world = sandbox.world()) {
            Product.Reply reply = Product.post(world, "/v1/credit/drawdowns", Map.of("bank_account_number", "1", "bank_code", "BCA"));
            assertEquals("STRICT_MODE_ERROR", reply.json().get("error_code"));
            assertEquals(Instant.parse("2026-03-01T00:00:00Z"), world.now());
        }
    }

    @Test
    void aSandboxSpeaksHttpsToThoseWhoTrustItsAuthority() {
        try (Sandbox sandbox = Sandbox.start(new SandboxOptions().tls()); World world = sandbox.world()) {
            assertTrue(sandbox.url().startsWith("https://127.0.0.1:"), sandbox.url());
            HttpRequest.Builder health = HttpRequest.newBuilder(URI.create(sandbox.url() + "/health"));
            HttpClient trusting = HttpClient.newBuilder().sslContext(world.sslContext()).build();
            assertEquals(200, Product.send(trusting, health).status());
            assertThrows(IllegalStateException.class, () -> Product.send(HttpClient.newHttpClient(), health));
            assertEquals(List.of(), world.requests());
            Sandbox same = Sandbox.connect(new ConnectOptions().url(sandbox.url()).caPem(world.caPem()));
            assertEquals(sandbox.callbackToken(), same.callbackToken());
        }
    }

    @Test
    void aSandboxThatDoesNotStartShowsItsStandardError() throws IOException {
        Path scenarios = Files.createDirectory(folder.resolve("scenarios"));
        Files.writeString(scenarios.resolve("broken.toml"), "path = 7\n");
        SandboxException broken = assertThrows(
                SandboxException.class, () -> Sandbox.start(new SandboxOptions().scenarios(scenarios)));
        assertTrue(
                broken.getMessage().matches("(?s)the sandbox did not start, exit code 2:\n.*broken.toml.*correct the scenario files.*"),
                broken.getMessage());
        try (Sandbox first = Sandbox.start()) {
            int port = URI.create(first.url()).getPort();
            SandboxException taken =
                    assertThrows(SandboxException.class, () -> Sandbox.start(new SandboxOptions().port(port)));
            assertTrue(taken.getMessage().matches("(?s).*exit code 1:.*" + port + ".*"), taken.getMessage());
        }
    }

    @Test
    void aSandboxThatIsNotReadyInTimeIsKilled() throws IOException {
        Path slow = program("slow", "#!/bin/sh\ntrap '' TERM\necho still busy >&2\nexec sleep 60\n");
        SandboxOptions options = new SandboxOptions().binary(slow.toString()).timeout(Duration.ofMillis(500));
        SandboxException late = assertThrows(SandboxException.class, () -> Sandbox.start(options));
        assertEquals("the sandbox was not ready within 0.5 s:\nstill busy", late.getMessage());
    }

    @Test
    void aLogIsWrittenAtTheEndOfAFile() throws IOException {
        Path log = Files.writeString(folder.resolve("sandbox.log"), "before\n");
        try (Sandbox sandbox = Sandbox.start(new SandboxOptions().logFormat("json").logFile(log)); World world = sandbox.world()) {
            Product.check(world, "1234567890");
        }
        String written = Files.readString(log);
        assertTrue(written.startsWith("before\n{"), written);
        assertTrue(written.contains("\"message\":\"answered\""), written);
    }

    @Test
    void aRunningSandboxIsFoundByTheVariablesOfTheCommandsAndIsNotStopped() {
        try (Sandbox sandbox = Sandbox.start(new SandboxOptions().args("--control-token", "secret-of-the-tests"))) {
            Map<String, String> variables = Map.of(
                    "ILUMA_SANDBOX_URL", sandbox.url() + "/",
                    "ILUMA_SANDBOX_CONTROL_TOKEN", "secret-of-the-tests",
                    "ILUMA_BASE_URL", "https://api.iluma.ai");
            try (Sandbox same = Sandbox.connect(new ConnectOptions(), variables::get); World world = same.world("connected")) {
                assertEquals(OptionalLong.empty(), same.pid());
                assertEquals(List.of(sandbox.url(), sandbox.callbackToken()), List.of(same.url(), same.callbackToken()));
                world.verify(Expectation.exactly(0, Query.any()));
                assertEquals(List.of(), world.inbox().received());
            }
            assertEquals(Map.of("status", "alive"), sandbox.call("GET", "livez"));
            assertRefused("wrong_control_token", new ConnectOptions().controlToken("another"), variables::get);
            assertRefused("control_token_required", new ConnectOptions().url(sandbox.url()), name -> null);
        }
    }

    @Test
    void aUrlThatIsMissingOrHasNoSchemeIsAnError() {
        assertNotConnected("no URL of a sandbox: set ILUMA_SANDBOX_URL, or pass `url`", "");
        assertNotConnected("the URL of a sandbox begins with http:// or https://, and not `localhost:4586`", "localhost:4586");
    }

    private static void assertNotConnected(String message, String url) {
        ConnectOptions options = new ConnectOptions().url(url);
        assertEquals(message, assertThrows(SandboxException.class, () -> Sandbox.connect(options, name -> null)).getMessage());
    }

    private static void assertRefused(String error, ConnectOptions options, UnaryOperator<String> variables) {
        SandboxException refused = assertThrows(SandboxException.class, () -> Sandbox.connect(options, variables));
        assertEquals(401, refused.status());
        assertEquals(error, refused.error());
        assertTrue(refused.getMessage().endsWith(". " + NAME_THE_TOKEN), refused.getMessage());
    }

    @Test
    void aBinaryThatIsNamedIsThatOneOrAnError() throws IOException {
        Path mine = program("my-sandbox", "#!/bin/sh\n");
        UnaryOperator<String> nothing = name -> null;
        assertEquals(mine, Binary.find(mine.toString(), nothing));
        assertEquals(mine, Binary.find(null, Map.of("ILUMA_SANDBOX_BIN", mine.toString())::get));
        assertEquals(mine, Binary.find("my-sandbox", Map.of("PATH", "/nowhere:" + folder)::get));
        assertNotFound("`binary` says `/nowhere`, and no program is there", "/nowhere", nothing);
        assertNotFound("`binary` says `" + folder + "`, and no program is there", folder.toString(), nothing);
        Map<String, String> variables = Map.of("ILUMA_SANDBOX_BIN", "/nowhere", "PATH", folder.toString());
        assertNotFound("`ILUMA_SANDBOX_BIN` says `/nowhere`, and no program is there", null, variables::get);
    }

    @Test
    void aBinaryIsFoundOnPathAndElseTheErrorSaysWhatToDo() throws IOException {
        Path onPath = program("iluma-sandbox", "#!/bin/sh\n");
        assertEquals(onPath, Binary.find(null, Map.of("PATH", "/nowhere:" + folder)::get));
        String message = "no `iluma-sandbox` found on PATH: install it, or name one with `binary` or `ILUMA_SANDBOX_BIN`";
        assertNotFound(message, null, Map.of("PATH", "/nowhere")::get);
        assertNotFound(message, null, name -> null);
    }

    private static void assertNotFound(String message, String named, UnaryOperator<String> variables) {
        assertEquals(message, assertThrows(SandboxException.class, () -> Binary.find(named, variables)).getMessage());
    }

    @Test
    void aProgramThatIsNoSandboxIsAnError() throws IOException {
        Path quiet = program("quiet", "#!/bin/sh\nexit 0\n");
        SandboxException ended = assertThrows(
                SandboxException.class, () -> Sandbox.start(new SandboxOptions().binary(quiet.toString())));
        assertEquals("the sandbox did not start, exit code 0", ended.getMessage());
        Path text = program("text", "#!/nowhere\n");
        SandboxException none = assertThrows(
                SandboxException.class, () -> Sandbox.start(new SandboxOptions().binary(text.toString())));
        assertTrue(none.getMessage().startsWith("cannot start " + text + ": "), none.getMessage());
    }

    private Path program(String name, String script) throws IOException {
        Path program = Files.writeString(folder.resolve(name), script);
        assertTrue(program.toFile().setExecutable(true));
        return program;
    }

    /** Starts a sandbox, prints its process, and waits until standard input ends. */
    public static final class Starter {
        private Starter() {}

        public static void main(String[] arguments) throws IOException {
            System.out.println(Sandbox.start().pid().getAsLong());
            System.in.read();
        }
    }

    @Test
    void theSandboxEndsWithItsJvmAlsoIfThatIsKilled() throws Exception {
        for (boolean isKilled : new boolean[] {true, false}) {
            Process jvm = NestedRun.start(Map.of(), List.of(), System.getProperty("java.class.path"), Starter.class.getName())
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            BufferedReader output = jvm.inputReader(StandardCharsets.UTF_8);
            ProcessHandle sandbox = ProcessHandle.of(Long.parseLong(output.readLine())).orElseThrow();
            assertTrue(sandbox.isAlive());
            if (isKilled) {
                jvm.destroyForcibly();
            } else {
                jvm.getOutputStream().close();
            }
            sandbox.onExit().get(10, TimeUnit.SECONDS);
            assertFalse(sandbox.isAlive());
        }
    }
}
